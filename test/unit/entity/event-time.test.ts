/** Windows, T and lateness of an entity task. protocol: time. */
import { expect, test } from 'vitest';
import { EntityTask, type Emission } from '../../../src/entity/entity-task.ts';
import {
  deleted,
  inserted,
  marksAt,
  marksFrame,
  rowsFrame,
  second_us,
  start_us,
  transaction,
  updated,
} from '../../support/entity-frames.ts';
import { userPlan } from '../../support/shop.ts';

const at = (seconds: number): number => start_us + seconds * second_us;
const microsecond = 1e-6;

interface Seen {
  readonly count: unknown;
  readonly newest: number | null;
  readonly asOf: number;
}

/** What user 1 has after a frame, times in seconds since the start. */
function seen(emissions: readonly Emission[]): Seen {
  const { values, asOf_us } = emissions.find(({ key }) => key === '1')!;
  const newest = values[1] as bigint | null;
  return {
    count: values[0],
    newest: newest === null ? null : (Number(newest) - start_us) / second_us,
    asOf: (asOf_us - start_us) / second_us,
  };
}

/** A task of user 1 alone whose frames hold a row each. */
class User {
  readonly task = new EntityTask(userPlan);
  private frames = 0;

  /** A row of the user happened and was committed at these seconds. */
  insert(id: number, seconds: number, committed = seconds): Emission[] {
    return this.take(inserted(this.frames, transaction(id, 1, at(seconds)), at(committed)));
  }

  delete(id: number, seconds: number, committed = seconds): Emission[] {
    return this.take(deleted(this.frames, transaction(id, 1, at(seconds)), at(committed)));
  }

  move(id: number, from: number, to: number): Emission[] {
    return this.take(updated(this.frames, transaction(id, 1, at(from)), transaction(id, 1, at(to))));
  }

  private take(row: ReturnType<typeof inserted>): Emission[] {
    return this.task.apply(rowsFrame(this.frames++, [row]), this.frames);
  }
}

test('a row at the first microsecond of a window is in it, one at the last of the window before is not', () => {
  const user = new User();
  expect(seen(user.insert(1, 300 - microsecond))).toMatchObject({ count: 1n });
  expect(seen(user.insert(2, 300))).toEqual({ count: 1n, newest: 300, asOf: 300 });
  expect(seen(user.insert(3, 600 - microsecond))).toMatchObject({ count: 2n });
  expect(seen(user.insert(4, 600))).toEqual({ count: 1n, newest: 600, asOf: 600 });
});

test('a window is empty when the clock reaches its end, and not a microsecond before', () => {
  const user = new User();
  user.insert(1, 299);
  expect(user.task.apply(marksAt(at(300) - 1), 1)).toEqual([]);
  expect(seen(user.task.apply(marksAt(at(300)), 2))).toEqual({ count: 0n, newest: null, asOf: 300 });
  expect(user.task.size).toBe(0);
});

test('windows of one view end each at its own time', () => {
  const user = new User();
  user.insert(1, 1);
  const ends = [60, 61, 299, 300].map((seconds, position) => user.task.apply(marksAt(at(seconds)), position));
  expect(ends.map((emissions) => emissions.map(({ values }) => values))).toEqual([
    [[1n, BigInt(at(1)), null]],
    [],
    [],
    [[0n, null, null]],
  ]);
});

test('before 1970 windows are aligned as after it', () => {
  const user = new User();
  const epoch = -start_us / second_us;
  user.insert(1, epoch - 300);
  expect(seen(user.insert(2, epoch - microsecond)).count).toBe(2n);
  expect(seen(user.insert(3, epoch)).count).toBe(1n);
});

test('a row that moves to a later window leaves the earlier one', () => {
  const user = new User();
  user.insert(1, 100);
  user.insert(2, 110);
  expect(seen(user.move(2, 110, 400))).toEqual({ count: 1n, newest: 400, asOf: 400 });
  expect(seen(user.delete(2, 400))).toEqual({ count: 0n, newest: null, asOf: 400 });
});

test('a row that moves to an earlier window leaves the current one, and T stays', () => {
  const user = new User();
  user.insert(1, 400);
  user.insert(2, 410);
  expect(seen(user.move(2, 410, 100))).toEqual({ count: 1n, newest: 400, asOf: 410 });
  expect(user.task.takeCounters().insertions).toMatchObject({ applied: 2, passed: 1 });
});

test('a retraction does not take T back', () => {
  const user = new User();
  user.insert(1, 100);
  user.insert(2, 200);
  expect(seen(user.delete(2, 200))).toEqual({ count: 1n, newest: 100, asOf: 200 });
});

test('a row within the current window counts, however late it comes', () => {
  const user = new User();
  user.insert(1, 590);
  user.task.apply(marksFrame({ data_us: at(599), clock_us: at(599) }), 1);
  expect(seen(user.insert(2, 300, 599))).toEqual({ count: 2n, newest: 590, asOf: 599 });
  expect(user.task.takeCounters().insertions).toMatchObject({ applied: 2, late: 0 });
});

test('a row of a window that closed is refused, and so is its retraction, both counted', () => {
  const user = new User();
  user.insert(1, 650);
  user.task.apply(marksAt(at(650)), 1);
  expect(seen(user.insert(2, 299, 650))).toEqual({ count: 1n, newest: 650, asOf: 650 });
  expect(seen(user.delete(2, 299, 651))).toEqual({ count: 1n, newest: 650, asOf: 650 });
  expect(user.task.takeCounters()).toMatchObject({
    insertions: { applied: 1, late: 1, passed: 0 },
    retractions: { applied: 0, late: 1, unmatched: 0 },
  });
});

test('a row of a past window that the data mark has not reached has passed, it is not late', () => {
  const user = new User();
  user.insert(1, 650);
  user.insert(2, 299, 650);
  user.delete(2, 299, 651);
  expect(user.task.takeCounters()).toMatchObject({
    insertions: { passed: 1, late: 0 },
    retractions: { passed: 1, late: 0 },
  });
});

test('a window closes when the data mark reaches its end, and not a microsecond before', () => {
  const fates = [at(300) - 1, at(300)].map((data_us) => {
    const user = new User();
    user.insert(1, 650);
    user.task.apply(marksFrame({ data_us, clock_us: at(300) }), 1);
    user.insert(2, 299, 650);
    return user.task.takeCounters().insertions;
  });
  expect(fates).toMatchObject([
    { passed: 1, late: 0 },
    { passed: 0, late: 1 },
  ]);
});

test('a row ahead of its commit moves T by maxAhead at most, is held, and counts when T reaches it', () => {
  const user = new User();
  expect(seen(user.insert(1, 500, 400))).toEqual({ count: 0n, newest: null, asOf: 460 });
  expect(user.task.apply(marksAt(at(500) - 1), 2)).toEqual([]);
  expect(seen(user.task.apply(marksAt(at(500)), 3))).toEqual({ count: 1n, newest: 500, asOf: 500 });
  expect(user.task.takeCounters().insertions).toMatchObject({ held: 1, applied: 0 });
});

test('a held row is let in by a row of its key that is newer', () => {
  const user = new User();
  user.insert(1, 500, 400);
  expect(seen(user.insert(2, 510))).toEqual({ count: 2n, newest: 510, asOf: 510 });
});

test('a held row that is taken back never counts', () => {
  const user = new User();
  user.insert(1, 500, 400);
  expect(seen(user.delete(1, 500, 401))).toEqual({ count: 0n, newest: null, asOf: 460 });
  expect(user.task.takeCounters().retractions).toMatchObject({ held: 1, unmatched: 0 });
  expect(user.task.apply(marksAt(at(600)), 3)).toEqual([]);
  expect(user.task.size).toBe(0);
});

test('of two held rows the one that is meant is taken back', () => {
  const user = new User();
  user.insert(1, 500, 400);
  user.insert(2, 510, 400);
  user.delete(2, 510, 401);
  expect(seen(user.task.apply(marksAt(at(520)), 4))).toEqual({ count: 1n, newest: 500, asOf: 520 });
});

test('what was never there is counted when it is taken back', () => {
  const user = new User();
  user.insert(1, 100);
  user.delete(1, 100);
  expect(seen(user.delete(2, 100))).toMatchObject({ count: 0n });
  expect(user.task.takeCounters().retractions).toMatchObject({ applied: 1, unmatched: 1 });
});

test('a key that loses a row before any time is known has no value yet', () => {
  const user = new User();
  expect(user.delete(1, 100)).toEqual([]);
  expect(user.task.size).toBe(0);
});

test('after insertion and retraction a key holds nothing once the clock has passed it', () => {
  const user = new User();
  user.insert(1, 100);
  user.delete(1, 100);
  user.task.apply(marksAt(at(100)), 2);
  expect(user.task.size).toBe(0);
});
