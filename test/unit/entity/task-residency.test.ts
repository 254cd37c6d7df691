/** Which keys and timers a task asks for, and when it lets a key go. */
import { expect, test } from 'vitest';
import { EntityTask } from '../../../src/entity/entity-task.ts';
import { PublishedOnDisk } from '../../../src/entity/published-on-disk.ts';
import { parseStateKey, stateKey } from '../../../src/entity/state-key.ts';
import { inFront_us, parseStoredTimer, storedTimerKey } from '../../../src/entity/stored-timer.ts';
import { decodeTaskRecord } from '../../../src/entity/task-record.ts';
import type { KeyRef } from '../../../src/entity/task-residency.ts';
import {
  deleted,
  inserted,
  marksAt,
  rowsFrame,
  second_us,
  start_us,
  transaction,
} from '../../support/entity-frames.ts';
import { count, featureView, unbounded } from '../../../src/index.ts';
import { buildPlan } from '../../../src/define/plan-builder.ts';
import { transactions, user as userEntity, userPlan } from '../../support/shop.ts';

const at = (seconds: number): number => start_us + seconds * second_us;
const row = (offset: number, user: number): ReturnType<typeof inserted> =>
  inserted(offset, transaction(offset, user, at(offset)));

/** A task whose keys are all on disk only, and their entries. */
function evicted(users: readonly number[]): { task: EntityTask; disk: Map<string, Buffer>; timers: Buffer[] } {
  const task = new EntityTask(userPlan);
  task.apply(
    rowsFrame(
      0,
      users.map((user, i) => row(i, user)),
    ),
    0,
  );
  const disk = new Map<string, Buffer>();
  for (const { key, value } of task.takeChanges()) disk.set(parseStateKey(key)!.key, Buffer.from(value!));
  const { residency } = task;
  residency.stored(residency.taken);
  const cold = residency.cold(Infinity).slice(0, users.length);
  residency.evict(cold);
  return {
    task,
    disk,
    timers: cold.map(({ view, key, timer_us }) => storedTimerKey({ view, key, time_us: timer_us })),
  };
}

function bring({ residency }: EntityTask, ref: KeyRef, disk: ReadonlyMap<string, Buffer>): void {
  residency.bring(ref, residency.read(ref, disk.get(ref.key)!));
}

/** As a commit does. */
function store(task: EntityTask): void {
  task.takeChanges();
  task.residency.stored(task.residency.taken);
}

test('a key that was used again stays, and goes when it was not used until the next look', () => {
  const task = new EntityTask(userPlan);
  task.apply(rowsFrame(0, [row(0, 1)]), 0);
  store(task);
  task.apply(rowsFrame(1, [row(1, 1)]), 1);
  store(task);
  expect(task.residency.cold(Infinity)).toEqual([]);
  expect(task.residency.cold(Infinity).map(({ key }) => key)).toEqual(['1']);
});

test('a key that came for one row goes at the first look: it kept out of memory what is used more often', () => {
  const task = new EntityTask(userPlan);
  task.apply(rowsFrame(0, [row(0, 1)]), 0);
  store(task);
  expect(task.residency.cold(Infinity).map(({ key }) => key)).toEqual(['1']);
});

test('a key whose change is not on disk stays', () => {
  const task = new EntityTask(userPlan);
  task.apply(rowsFrame(0, [row(0, 1)]), 0);
  task.takeChanges();
  task.residency.cold(Infinity);
  expect(task.residency.cold(Infinity)).toEqual([]);
});

test('keys on disk count, and are asked for by the rows that concern them', () => {
  const { task } = evicted([1, 2]);
  expect(task.residency).toMatchObject({ isComplete: false, resident_bytes: 0 });
  expect(task.size).toBe(2);
  expect(task.residency.missingKeys([rowsFrame(1, [row(2, 2), row(3, 2)])])).toEqual([{ view: 0, key: '2' }]);
});

test('a key that was looked up and is not there is asked for once', () => {
  const { task } = evicted([1]);
  const frame = rowsFrame(1, [row(1, 7)]);
  task.residency.bring({ view: 0, key: '7' }, null);
  expect(task.residency.missingKeys([frame])).toEqual([]);
  task.residency.forgetLookups();
  expect(task.residency.missingKeys([frame])).toEqual([{ view: 0, key: '7' }]);
});

test('a frame whose keys were not brought is refused: the states would begin anew', () => {
  const { task } = evicted([1]);
  expect(() => task.apply(rowsFrame(1, [row(1, 1)]), 1)).toThrow('was not brought');
});

test('a frame that time has come to timers on disk with is refused until they are brought', () => {
  const { task, disk, timers } = evicted([1, 2]);
  const frame = marksAt(at(400));
  expect(task.residency.missingTimers([marksAt(at(-1))])).not.toBeNull();
  expect(() => task.apply(frame, 1)).toThrow('were not brought');

  const { task: other } = evicted([1, 2]);
  const page = other.residency.missingTimers([frame])!;
  expect(timers.every((key) => Buffer.compare(page.from, key) <= 0 && Buffer.compare(key, page.to) < 0)).toBe(true);
  for (const ref of other.residency.takeTimers(timers)) bring(other, ref, disk);
  expect(other.residency.missingTimers([frame])).toBeNull();
  expect(other.apply(frame, 1).map(({ key }) => key)).toEqual(['1', '2']);
  expect(other.residency.takeNotes()).toBeNull();
});

test('a key whose timer the disk is being asked for does not leave: it would not be in the answer', () => {
  const { task, disk } = evicted([1, 2]);
  const { residency } = task;
  bring(task, { view: 0, key: '2' }, disk);
  const before = residency.cold(Infinity);
  expect(before.map(({ key }) => key)).toEqual(['2']);
  const frame = marksAt(at(400));
  expect(residency.missingTimers([frame])).not.toBeNull();
  // One that was chosen before stays as well.
  residency.evict(before);
  expect(residency.resident_bytes).toBeGreaterThan(0);
  expect(residency.cold(Infinity)).toEqual([]);
});

test('a key that holds nothing any more is not brought back while its removal is on its way to disk', () => {
  const { task, disk } = evicted([1, 2]);
  const { residency } = task;
  bring(task, { view: 0, key: '1' }, disk);
  const gone = rowsFrame(1, [deleted(2, transaction(0, 1, at(0)))]);
  task.apply(gone, 1);
  const later = marksAt(at(10));
  expect(residency.missingTimers([later])).not.toBeNull();
  residency.takeTimers([]);
  task.apply(later, 2);
  task.takeChanges();
  const again = rowsFrame(2, [row(20, 1)]);
  expect(residency.missingKeys([again])).toEqual([]);
  residency.stored(residency.taken);
  expect(residency.missingKeys([again])).toEqual([{ view: 0, key: '1' }]);
});

test('a key that is back in memory is read from disk all the same: a repair may have missed it while it was away', () => {
  const { task, disk } = evicted([1]);
  task.residency.bring({ view: 0, key: '1' }, task.residency.read({ view: 0, key: '1' }, disk.get('1')!));
  expect(task.residency.isComplete).toBe(true);
  const onDisk = new PublishedOnDisk(task);
  expect(onDisk.take({ key: stateKey(0, '1'), value: disk.get('1')! })).toBeNull();
  expect(onDisk.end()).toMatchObject({ key: '1', position: 0 });
});

test('a heap that lets go of what is overtaken keeps the entry of a key that has no timer at that moment', () => {
  const all = featureView('all', {
    entity: userEntity,
    from: { tx: transactions.by({ user_id: 'user_id' }) },
    features: ({ tx }) => ({ rows: count(tx).over(unbounded()) }),
  });
  const task = new EntityTask(buildPlan({ all }).entities[0]!);
  const ahead = (id: number, user: number, seconds: number): ReturnType<typeof transaction> =>
    transaction(id, user, at(seconds));
  // Key 1 waits for a row of the future, which is taken back; key 2 for ever nearer ones, each with an entry of its own.
  const overtaken = Array.from({ length: 1100 }, (_, i) => inserted(3 + i, ahead(3 + i, 2, 9000 - i), at(0)));
  const rows = [
    inserted(0, transaction(0, 1, at(0))),
    inserted(1, ahead(1, 1, 1000), at(0)),
    deleted(2, ahead(1, 1, 1000), at(0)),
  ];
  task.apply(rowsFrame(0, [...rows, ...overtaken]), 0);
  task.residency.evict([]);
  task.apply(rowsFrame(1, [inserted(2000, ahead(2000, 1, 2000), at(0))]), 1);
  const given = task.apply(marksAt(at(2000)), 2);
  expect(given.filter(({ key }) => key === '1').map(({ values }) => values)).toEqual([[2n]]);
});

/** Its keys are noted on disk. */
function noted(users: readonly number[]): EntityTask {
  const task = new EntityTask(userPlan);
  const rows = users.map((user, i) => row(i, user));
  task.apply(rowsFrame(0, rows), 0);
  expect(task.residency.askForNotes()).toBe(false);
  task.takeChanges();
  const keys = users.map((user) => String(user));
  expect(task.residency.takeNotes()!.added.map(parseStoredTimer)).toMatchObject(keys.map((key) => ({ view: 0, key })));
  // What was on its way to disk before has not all of them.
  task.residency.stored(task.residency.taken - 1);
  expect(task.residency.askForNotes()).toBe(false);
  task.residency.stored(task.residency.taken);
  expect(task.residency.askForNotes()).toBe(true);
  return task;
}

test('a timer that moves is noted in front of all, once, and where it is when its key leaves', () => {
  const task = noted([1]);
  const moved = (position: number): readonly (readonly number[])[] => {
    task.apply(rowsFrame(position, [row(400 * position, 1)]), 2 * position);
    task.apply(marksAt(at(400 * position)), 2 * position + 1);
    store(task);
    const { removed, added } = task.residency.takeNotes()!;
    return [removed, added].map((keys) => keys.map((key) => parseStoredTimer(key).time_us));
  };
  const [removed, added] = moved(1);
  expect(removed).toHaveLength(1);
  expect(added).toEqual([inFront_us]);
  expect(moved(2)).toEqual([[], []]);
  task.residency.cold(Infinity);
  const cold = task.residency.cold(Infinity);
  const notes = task.residency.noteCold(cold);
  expect(notes.removed.map(parseStoredTimer)).toEqual([{ view: 0, key: '1', time_us: inFront_us }]);
  expect(notes.added.map(parseStoredTimer)).toEqual([{ view: 0, key: '1', time_us: cold[0]!.timer_us }]);
});

test('a note that the disk refused does not count: the next look writes it', () => {
  const task = noted([1]);
  task.apply(rowsFrame(1, [row(400, 1)]), 1);
  task.apply(marksAt(at(400)), 2);
  store(task);
  task.residency.takeNotes();
  task.residency.cold(Infinity);
  const cold = task.residency.cold(Infinity);
  const first = task.residency.noteCold(cold);
  expect(first.added).toHaveLength(1);
  task.residency.unnoteCold(cold);
  expect(task.residency.noteCold(task.residency.cold(Infinity))).toEqual(first);
});

test('a task that is opened on disk counts its keys, and asks for those that were in memory before its first timers', () => {
  const before = noted([1, 2]);
  const record = decodeTaskRecord(Buffer.from(before.recorder(1)(-1).value!), userPlan);
  expect(record.keys).toEqual([{ held: 2, emptied: 0 }]);
  const task = new EntityTask(userPlan, record);
  task.residency.openOnDisk(record.keys);
  expect(task.size).toBe(2);
  const { from } = task.residency.missingTimers([marksAt(at(1))])!;
  expect(parseStoredTimer(from).time_us).toBe(inFront_us);
  const inFront = storedTimerKey({ view: 0, key: '2', time_us: inFront_us });
  expect(task.residency.takeTimers([inFront])).toMatchObject([{ view: 0, key: '2' }]);
});

test('a stored timer that was found is removed when it is overtaken, and stays while it says where the timer is', () => {
  const { task: before, disk } = evicted([1, 2]);
  const task = new EntityTask(userPlan, decodeTaskRecord(Buffer.from(before.recorder(1)(-1).value!), userPlan));
  task.residency.openOnDisk([{ held: 2, emptied: 0 }]);
  expect(task.residency.missingTimers([marksAt(at(-1))])).not.toBeNull();
  expect(task.residency.takeTimers([])).toEqual([]);
  bring(task, { view: 0, key: '1' }, disk);
  const due_us = task.residency.cold(Infinity)[0]!.timer_us;
  expect(task.residency.missingTimers([marksAt(at(400))])).not.toBeNull();
  const [right, overtaken, ofNone] = [
    storedTimerKey({ view: 0, key: '1', time_us: due_us }),
    storedTimerKey({ view: 0, key: '1', time_us: due_us - 1 }),
    storedTimerKey({ view: 0, key: '9', time_us: due_us }),
  ];
  expect(task.residency.takeTimers([overtaken, right, ofNone])).toMatchObject([{ key: '9' }]);
  store(task);
  expect(task.residency.takeNotes()).toEqual({ removed: [overtaken, ofNone], added: [] });
});
