import { expect, test } from 'vitest';
import { RecordError } from '../../../src/errors.ts';
import { partitionOf } from '../../../src/ingest/router.ts';
import type { Outcome } from '../../../src/ingest/outcome.ts';
import { envelope, transactionFields } from '../../support/envelope.ts';
import { rowOf, transactionsPlan } from '../../support/shop.ts';
import {
  insertion,
  now_ms,
  opened,
  reopened,
  start_us,
  takeFrames,
  topicId,
  transaction,
} from '../../support/source-partition.ts';

/** Users of three entity partitions, and of one. */
const userIn = (entityPartition: number, after = 0): number => {
  let user = after + 1;
  while (partitionOf(String(user), 3) !== entityPartition) user++;
  return user;
};

test('a row becomes a row of a frame with all that the entity task needs', () => {
  const partition = opened();
  const t = transaction(1, userIn(1), { location: 'Oulu' });
  expect(partition.accept(17, insertion(t), now_ms, now_ms)).toBe('row');
  expect(takeFrames(partition)).toEqual([
    {
      entityPartition: 1,
      rows: 1,
      frame: {
        kind: 'rows',
        source: { table: 0, topicId, partition: 2, partitionCount: 3 },
        session: 1,
        number: 0,
        marks: { data_us: -Infinity, clock_us: -Infinity },
        rows: [
          {
            offset: 17,
            operation: 'c',
            commit_us: start_us + 1_000_000,
            ingest_ms: now_ms,
            routes: 2,
            before: null,
            after: rowOf(t),
          },
        ],
      },
    },
  ]);
  expect(partition.takeFrames()).toEqual([]);
});

test('a row that moves to another key stands in two frames, each with its image alone', () => {
  const partition = opened();
  const [before, after] = [transaction(1, userIn(0)), transaction(1, userIn(1))];
  const update = envelope({ op: 'u', before: transactionFields(before), after: transactionFields(after) });
  partition.accept(0, update, now_ms, now_ms);
  const frames = takeFrames(partition).map(({ entityPartition, frame }) => ({ entityPartition, rows: frame.rows }));
  const whole = { offset: 0, operation: 'u', commit_us: start_us, ingest_ms: now_ms };
  expect(frames).toEqual([
    { entityPartition: 0, rows: [{ ...whole, routes: 1, before: rowOf(before), after: null }] },
    { entityPartition: 1, rows: [{ ...whole, routes: 2, before: null, after: rowOf(after) }] },
  ]);
});

test('frames are numbered from 0 per entity partition, and a restart opens a new session', () => {
  let partition = opened();
  const seen: string[] = [];
  const users = [userIn(0), userIn(1), userIn(1, userIn(1))];
  for (let id = 1; id <= 9; id++) {
    if (id === 7) partition = reopened(partition);
    partition.accept(id, insertion(transaction(id, users[id % 3]!)), now_ms, now_ms);
    if (id % 3 !== 0) continue;
    for (const { entityPartition, rows, frame } of takeFrames(partition))
      seen.push(`partition ${entityPartition} session ${frame.session} number ${frame.number}: ${rows}`);
  }
  expect(seen.sort()).toEqual([
    'partition 0 session 1 number 0: 1',
    'partition 0 session 1 number 1: 1',
    'partition 0 session 2 number 0: 1',
    'partition 1 session 1 number 0: 2',
    'partition 1 session 1 number 1: 2',
    'partition 1 session 2 number 0: 2',
  ]);
});

test('a frame is cut by the size of its records, with the marks from before its batch', () => {
  const partition = opened();
  partition.accept(0, insertion(transaction(1, 1)), now_ms, now_ms);
  partition.takeFrames();
  const { marks } = partition;
  const records = Array.from({ length: 1000 }, (_, i) => insertion(transaction(i + 2, 1)));
  records.forEach((value, i) => partition.accept(i + 1, value, now_ms, now_ms));
  const frames = takeFrames(partition).map(({ frame }) => frame);
  let [rows, bytes] = [0, 0];
  for (; bytes < 256 * 1024; rows++) bytes += records[rows]!.length;
  expect(frames.map((frame) => [frame.number, frame.rows.length])).toEqual([
    [1, rows],
    [2, 1000 - rows],
  ]);
  expect(frames.map((frame) => frame.marks)).toEqual([marks, marks]);
  expect(partition.marks.data_us).toBeGreaterThan(marks.data_us);
});

test('a frame carries the marks of the rows before it, not of its own', () => {
  const partition = opened();
  const framed: number[] = [];
  for (let id = 1; id <= 3; id++) {
    partition.accept(id, insertion(transaction(id, 1)), now_ms, now_ms);
    framed.push(takeFrames(partition)[0]!.frame.marks.data_us);
  }
  expect(framed).toEqual([-Infinity, start_us - 4_000_000, start_us - 3_000_000]);
  expect(partition.marks.data_us).toBe(start_us - 2_000_000);
});

test('silence moves the marks of the next frame only if no row waits for its frame', () => {
  const partition = opened();
  partition.accept(1, insertion(transaction(1, 1)), now_ms, now_ms);
  partition.caughtUp(now_ms + 60_000, now_ms, null);
  expect(takeFrames(partition)[0]!.frame.marks.clock_us).toBe(-Infinity);
  partition.caughtUp(now_ms + 70_000, now_ms, null);
  partition.accept(2, insertion(transaction(2, 1)), now_ms, now_ms);
  expect(takeFrames(partition)[0]!.frame.marks.clock_us).toBe((now_ms + 65_000) * 1000);
});

test('replays and tombstones give nothing', () => {
  const partition = opened();
  const rows = [1, 2, 1, 2, 3].map((id) => insertion(transaction(id, 1)));
  const outcomes = rows.map((value, offset) => partition.accept(offset, value, now_ms, now_ms));
  expect(outcomes).toEqual<Outcome[]>(['row', 'row', 'replayed', 'replayed', 'row']);
  expect(partition.accept(9, null, now_ms, now_ms)).toBe('tombstone');
  expect(takeFrames(partition)[0]!.frame.rows.map(({ offset }) => offset)).toEqual([0, 1, 4]);
});

test('a replay is known after a restart', () => {
  const partition = opened();
  for (const id of [1, 2]) partition.accept(id, insertion(transaction(id, 1)), now_ms, now_ms);
  const next = reopened(partition);
  const outcomes = [1, 2, 3].map((id) => next.accept(10 + id, insertion(transaction(id, 1)), now_ms, now_ms));
  expect(outcomes).toEqual<Outcome[]>(['replayed', 'replayed', 'row']);
});

test('rows of one statement are told apart by their primary key', () => {
  const partition = opened();
  const sequence = [5, 5] as const;
  const outcomes = [1, 2, 2, 1, 3].map((id) =>
    partition.accept(id, insertion(transaction(id, 1), { sequence, commit_us: start_us }), now_ms, now_ms),
  );
  expect(outcomes).toEqual<Outcome[]>(['row', 'row', 'replayed', 'replayed', 'row']);
});

test('a bad record leaves no trace: the next one is taken as if it had not been', () => {
  const [clean, marred] = [opened(), opened()];
  const bad = insertion(transaction(9, 1, { time_us: 0 }));
  expect(() => marred.accept(0, bad, now_ms, now_ms)).toThrow(RecordError);
  for (const partition of [clean, marred]) partition.accept(1, insertion(transaction(1, 1)), now_ms, now_ms);
  expect(marred.highWater).toEqual(clean.highWater);
  expect(marred.takeFrames()).toEqual(clean.takeFrames());
});

test('rows whose key is null are counted and stand in no frame', () => {
  const nullable = transactionsPlan.columns.map((column) => ({ ...column, nullable: true }));
  const partition = opened(null, { ...transactionsPlan, columns: nullable });
  const value = insertion(transaction(1, 1)).toString().replace('"user_id":1', '"user_id":null');
  expect(partition.accept(0, Buffer.from(value), now_ms, now_ms)).toBe('row');
  expect(partition.unrouted).toBe(1);
  expect(partition.takeFrames()).toEqual([]);
});
