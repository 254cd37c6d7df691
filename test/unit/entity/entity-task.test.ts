/** How an entity task takes frames: sessions, duplicates, source topics, positions. */
import { expect, test } from 'vitest';
import { EntityTask, type Emission } from '../../../src/entity/entity-task.ts';
import { MillraceError, SourceStoppedError } from '../../../src/errors.ts';
import { encodeTickFrame, decodeEntityFrame } from '../../../src/frames/row-frame.ts';
import {
  deleted,
  inserted,
  marksAt,
  rowsFrame,
  second_us,
  source,
  start_us,
  transaction,
  updated,
} from '../../support/entity-frames.ts';
import { userPlan } from '../../support/shop.ts';

const tick = decodeEntityFrame(encodeTickFrame(), userPlan);
const at = (seconds: number): number => start_us + seconds * second_us;
const one = (offset: number, user = 1): ReturnType<typeof inserted> =>
  inserted(offset, transaction(offset, user, at(offset)));

/** Counts of the last five minutes, by key. */
const counts = (emissions: readonly Emission[]): Record<string, unknown> =>
  Object.fromEntries(emissions.map(({ key, values }) => [key, values[0]]));

test('a frame gives one value per key, at its own position, with the first row that concerned the key', () => {
  const task = new EntityTask(userPlan);
  const rows = [one(0), one(1, 2), one(2), one(3)];
  const emissions = task.apply(rowsFrame(0, rows), 77);
  expect(emissions).toEqual([
    {
      view: userPlan.views[0],
      key: '1',
      position: 77,
      asOf_us: at(3),
      values: [3n, BigInt(at(3)), 100n],
      cause: rows[0],
    },
    {
      view: userPlan.views[0],
      key: '2',
      position: 77,
      asOf_us: at(1),
      values: [1n, BigInt(at(1)), 100n],
      cause: rows[1],
    },
  ]);
});

test('a value that only time changed has no cause', () => {
  const task = new EntityTask(userPlan);
  task.apply(rowsFrame(0, [one(0)]), 0);
  expect(task.apply(marksAt(at(300)), 1)).toEqual([
    { view: userPlan.views[0], key: '1', position: 1, asOf_us: at(300), values: [0n, null, null], cause: null },
  ]);
});

test('frames without rows, and ticks, change nothing while no timer is due', () => {
  const task = new EntityTask(userPlan);
  task.apply(rowsFrame(0, [one(0)]), 0);
  expect(task.apply(tick, 1)).toEqual([]);
  expect(task.apply(rowsFrame(1, []), 2)).toEqual([]);
  expect(task.apply(marksAt(at(1)), 3)).toEqual([]);
  expect(task.size).toBe(1);
});

test('a hole in the numbers of a session stops the task and says which are missing', () => {
  const task = new EntityTask(userPlan);
  task.apply(rowsFrame(0, [one(0)]), 0);
  const hole = (): unknown => task.apply(rowsFrame(2, [one(2)]), 1);
  expect(hole).toThrow(MillraceError);
  expect(hole).toThrow(expect.objectContaining({ code: 'frame-hole' }));
  expect(hole).toThrow(
    /^entity log of user: frames of dbserver\.public\.transactions\/0 are missing: session 1 goes on with number 2, expected 1\./,
  );
  expect(task.takeCounters().rows).toBe(1);
});

test('the very first frame of a source partition is missing: a hole, as any other', () => {
  const task = new EntityTask(userPlan);
  const hole = (): unknown => task.apply(rowsFrame(1, [one(1)]), 0);
  expect(hole).toThrow(/session 1 goes on with number 1, expected 0/);
});

test('a new session that does not begin at 0 is a hole, too', () => {
  const task = new EntityTask(userPlan);
  task.apply(rowsFrame(0, [one(0)]), 0);
  const hole = (): unknown => task.apply(rowsFrame(1, [one(1)], { session: 2 }), 1);
  expect(hole).toThrow(/session 2 goes on with number 1, expected 0/);
});

test('the numbers of one source partition say nothing of another', () => {
  const task = new EntityTask(userPlan);
  const [first, second] = [0, 1].map((partition) => ({ source: { ...source, partition, partitionCount: 2 } }));
  task.apply(rowsFrame(0, [one(0)], first), 0);
  task.apply(rowsFrame(0, [one(0)], second), 1);
  expect(counts(task.apply(rowsFrame(1, [one(1)], second), 2))).toEqual({ 1: 3n });
});

test('frames of a session that was replaced are dropped: the newer one repeats them', () => {
  const task = new EntityTask(userPlan);
  task.apply(rowsFrame(0, [one(0)], { session: 2 }), 0);
  expect(task.apply(rowsFrame(8, [one(5)], { session: 1 }), 1)).toEqual([]);
  expect(counts(task.apply(rowsFrame(1, [one(1)], { session: 2 }), 2))).toEqual({ 1: 2n });
  expect(task.takeCounters()).toMatchObject({ rows: 2, duplicates: 0 });
});

test('a frame that was delivered twice is dropped', () => {
  const task = new EntityTask(userPlan);
  for (const number of [0, 1]) task.apply(rowsFrame(number, [one(number)]), number);
  expect(task.apply(rowsFrame(1, [one(1)]), 2)).toEqual([]);
  expect(task.apply(rowsFrame(0, [one(0)]), 3)).toEqual([]);
  expect(counts(task.apply(rowsFrame(2, [one(2)]), 4))).toEqual({ 1: 3n });
});

test('rows at or below the source offset that was applied are duplicates: dropped and counted', () => {
  const task = new EntityTask(userPlan);
  task.apply(rowsFrame(0, [one(3), one(4)]), 0);
  const repeated = [one(2), one(3), one(4), one(6)];
  expect(counts(task.apply(rowsFrame(0, repeated, { session: 2 }), 1))).toEqual({ 1: 3n });
  expect(task.takeCounters()).toMatchObject({ rows: 3, duplicates: 3 });
});

test('a frame of nothing but duplicates gives no value', () => {
  const task = new EntityTask(userPlan);
  task.apply(rowsFrame(0, [one(3)]), 0);
  expect(task.apply(rowsFrame(0, [one(3)], { session: 2 }), 1)).toEqual([]);
});

test('a deletion that is repeated takes nothing back a second time', () => {
  const task = new EntityTask(userPlan);
  const gone = deleted(2, transaction(0, 1, at(0)));
  task.apply(rowsFrame(0, [one(0), one(1), gone]), 0);
  task.apply(rowsFrame(0, [gone], { session: 2 }), 1);
  expect(counts(task.apply(rowsFrame(1, [one(3)], { session: 2 }), 2))).toEqual({ 1: 2n });
});

test.each([
  ['was created anew', { ...source, topicId: 'ffeeddccbbaa99887766554433221100' }],
  ['got more partitions', { ...source, partitionCount: 2 }],
])('a source topic that %s stops the task with what to do', (_, other) => {
  const task = new EntityTask(userPlan);
  task.apply(rowsFrame(0, [one(0)]), 0);
  for (const frame of [rowsFrame(0, [one(0)], { source: other }), marksAt(at(1), other)]) {
    const apply = (): unknown => task.apply(frame, 1);
    expect(apply).toThrow(SourceStoppedError);
    expect(apply).toThrow(expect.objectContaining({ code: 'topic-mismatch' }));
    expect(apply).toThrow(/dbserver\.public\.transactions .* raise the generation of entity user/);
  }
});

test('no time is known until each source partition has spoken', () => {
  const task = new EntityTask(userPlan);
  const of2 = [0, 1].map((partition) => ({ ...source, partition, partitionCount: 2 }));
  task.apply(marksAt(at(100), of2[0]), 0);
  expect(task.marks).toEqual({ data_us: -Infinity, clock_us: -Infinity });
  task.apply(marksAt(at(50), of2[1]), 1);
  expect(task.marks).toEqual({ data_us: at(50), clock_us: at(50) });
});

test('marks are the minima of the source partitions and never go back', () => {
  const task = new EntityTask(userPlan);
  const of2 = [0, 1].map((partition) => ({ ...source, partition, partitionCount: 2 }));
  for (const from of of2) task.apply(marksAt(at(100), from), 0);
  task.apply(marksAt(at(200), of2[0]), 1);
  expect(task.marks.data_us).toBe(at(100));
  task.apply(marksAt(at(30), of2[1]), 2);
  expect(task.marks.data_us).toBe(at(100));
  task.apply(marksAt(at(150), of2[1]), 3);
  expect(task.marks).toEqual({ data_us: at(150), clock_us: at(150) });
});

test('a row that moves to another key is taken back there and counted here, in one frame', () => {
  const task = new EntityTask(userPlan);
  task.apply(rowsFrame(0, [one(0), one(1)]), 0);
  const [before, after] = [transaction(1, 1, at(1)), transaction(1, 2, at(1), { cents: 7 })];
  const emissions = task.apply(rowsFrame(1, [updated(2, before, after)]), 1);
  expect(emissions.map(({ key, values }) => [key, values])).toEqual([
    ['1', [1n, BigInt(at(0)), 100n]],
    ['2', [1n, BigInt(at(1)), 7n]],
  ]);
});

test('what was counted is given once', () => {
  const task = new EntityTask(userPlan);
  task.apply(rowsFrame(0, [one(0), one(1)]), 0);
  expect(task.takeCounters()).toMatchObject({ rows: 2, insertions: { applied: 2 } });
  expect(task.takeCounters()).toMatchObject({ rows: 0, insertions: { applied: 0 } });
});
