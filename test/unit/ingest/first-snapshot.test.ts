import { describe, expect, test } from 'vitest';
import { decodeHeartbeat } from '../../../src/cdc/decoder.ts';
import { buildPlan } from '../../../src/define/plan-builder.ts';
import type { Row } from '../../../src/define/plan.ts';
import { SourceStoppedError } from '../../../src/errors.ts';
import { decodeEntityFrame, type RowsFrame } from '../../../src/frames/row-frame.ts';
import { count, debezium, entity, featureView, int64, text, timestamptz, tumbling } from '../../../src/index.ts';
import type { Outcome } from '../../../src/ingest/outcome.ts';
import { routesOf } from '../../../src/ingest/router.ts';
import { MemoryStage, StagingBudget } from '../../../src/ingest/snapshot-stage.ts';
import { SourcePartition } from '../../../src/ingest/source-partition.ts';
import { envelope, transactionFields } from '../../support/envelope.ts';
import { golden } from '../../support/golden.ts';
import { rowOf, transactionsPlan, type Transaction } from '../../support/shop.ts';
import {
  insertion,
  now_ms,
  opened,
  reopened,
  snapshotRow,
  start_us,
  takeFrames,
  transaction,
} from '../../support/source-partition.ts';

const ignoring = { ...transactionsPlan, snapshots: 'ignore' } as const;
const r = (id: number, lsn = 77, more: Partial<Transaction> = {}): Buffer => snapshotRow(transaction(id, 1, more), lsn);
/** All rows belong to one user: each frame is of one entity partition. */
const c = (id: number, seconds = id): Buffer =>
  insertion(transaction(id, 1), { commit_us: start_us + seconds * 1_000_000, sequence: [1000 + seconds, 1000 + id] });

function change(before: Transaction | null, after: Transaction | null, seconds: number): Buffer {
  return envelope({
    op: before === null ? 'c' : after === null ? 'd' : 'u',
    before: before && transactionFields(before),
    after: after && transactionFields(after),
    commit_us: start_us + seconds * 1_000_000,
    sequence: [1000 + seconds, 1000 + seconds],
  });
}

/** Takes records from an offset on; each was written a millisecond after the one before. */
function feed(partition: SourcePartition, from: number, ...records: readonly (Buffer | null)[]): Outcome[] {
  return records.map((value, i) => partition.accept(from + i, value, now_ms, now_ms + from + i));
}

const emitted = (partition: SourcePartition): string[] =>
  takeFrames(partition).flatMap(({ frame }) =>
    frame.rows.map(({ offset, operation, before, after }) =>
      [`${offset}${operation}`, before && `-${String(before[0])}`, after && `+${String(after[0])}`]
        .filter(Boolean)
        .join(' '),
    ),
  );

describe('rows of the first snapshot wait', () => {
  test('nothing is emitted, committed or said of time before it is over', () => {
    const partition = opened();
    const before = partition.highWater;
    expect(feed(partition, 5, r(1), r(2), null, r(3))).toEqual<Outcome[]>(['staged', 'staged', 'tombstone', 'staged']);
    partition.caughtUp(now_ms + 600_000, now_ms, now_ms + 600_000);
    expect(emitted(partition)).toEqual([]);
    expect(partition.highWater).toEqual(before);
    expect(partition.resumeAt).toBe(5);
    expect(partition.marks).toEqual({ data_us: -Infinity, clock_us: -Infinity });
    expect(partition.staged).toBe(3);
  });

  test('until the first streamed row: they stand before it, in the order of their offsets, and move no mark', () => {
    const partition = opened();
    feed(partition, 0, r(3), r(1), r(2));
    expect(feed(partition, 3, c(9))).toEqual(['row']);
    const [{ frame }] = takeFrames(partition) as [ReturnType<typeof takeFrames>[0]];
    expect(frame.rows.map(({ offset, after }) => [offset, after![0]])).toEqual([
      [0, 3n],
      [1, 1n],
      [2, 2n],
      [3, 9n],
    ]);
    expect(frame.rows.map(({ commit_us }) => commit_us)).toEqual([start_us, start_us, start_us, start_us + 9_000_000]);
    expect(frame.rows.map(({ ingest_ms }) => ingest_ms)).toEqual(Array(4).fill(now_ms));
    expect(frame.marks).toEqual({ data_us: -Infinity, clock_us: -Infinity });
    expect(partition.late).toEqual({ row: 3, superseded: 0 });
    expect(partition.staged).toBe(0);
  });

  test('a replay, a tombstone or a bad record does not end it', () => {
    const partition = opened();
    feed(partition, 0, r(1), null);
    expect(() => feed(partition, 2, Buffer.from('{}'))).toThrow();
    expect(feed(partition, 3, r(2))).toEqual(['staged']);
  });

  test('until a heartbeat that is newer than the last of them, once that is committed', () => {
    const partition = opened();
    feed(partition, 0, r(1), r(2));
    expect([null, now_ms - 1, now_ms + 1].map((heartbeat_ms) => partition.heartbeat(heartbeat_ms))).toEqual([
      false,
      false,
      false,
    ]);
    expect(partition.highWater.snapshotEnd).toBe(0);
    expect(partition.heartbeat(now_ms + 2)).toBe(true);
    expect(emitted(partition)).toEqual([]);
    expect(partition.highWater.snapshotEnd).toBe(2);
    partition.release(now_ms);
    expect(emitted(partition)).toEqual(['0r +1', '1r +2']);
    expect(partition.heartbeat(now_ms + 3)).toBe(false);
  });

  test('a heartbeat says nothing to a partition without rows: they may still come', () => {
    const partition = opened();
    expect(partition.heartbeat(now_ms + 2)).toBe(false);
    expect(feed(partition, 0, r(1))).toEqual(['staged']);
  });

  test('a new owner reads them again', () => {
    const partition = opened();
    feed(partition, 0, r(1), r(2));
    const next = reopened(partition);
    expect(next.session).toBe(2);
    feed(next, 0, r(1), r(2), r(3), c(9));
    expect(emitted(next)).toEqual(['0r +1', '1r +2', '2r +3', '3c +9']);
  });
});

describe('a snapshot that was begun again', () => {
  test('only what its newest pass read is released; the rest is counted', () => {
    const partition = opened();
    feed(partition, 0, r(1), r(2), r(3), r(2, 78), r(4, 78), c(9));
    expect(emitted(partition)).toEqual(['3r +2', '4r +4', '5c +9']);
    expect(partition.late).toEqual({ row: 2, superseded: 2 });
  });

  test('at a lower LSN it is of another database', () => {
    const partition = opened();
    feed(partition, 0, r(1, 78));
    expect(() => feed(partition, 1, r(1, 77))).toThrow(SourceStoppedError);
    expect(() => feed(partition, 1, r(1, 77))).toThrow(/begun again at LSN 77, after 78.*Delete the source topic/);
  });

  test('an end that was decided by a heartbeat holds for every later owner, whatever came behind it', () => {
    const partition = opened(null, ignoring);
    feed(partition, 0, r(1), r(2));
    partition.heartbeat(now_ms + 2);
    const next = reopened(partition);
    expect(feed(next, 0, r(1), r(2))).toEqual(['staged', 'staged']);
    expect(emitted(next)).toEqual(['0r +1', '1r +2']);
    expect(feed(next, 2, r(1, 78))).toEqual(['snapshot-ignored']);
  });

  test('the decided end is found again, even if its last row is gone from the log', () => {
    const partition = opened(null, ignoring);
    feed(partition, 0, r(1), r(2));
    partition.heartbeat(now_ms + 2);
    const next = reopened(partition);
    feed(next, 0, r(1));
    expect(feed(next, 2, r(1, 78))).toEqual(['snapshot-ignored']);
    expect(emitted(next)).toEqual(['0r +1']);
  });

  test('while the end is being committed it is not known whether a further row belongs to it: only a restart tells', () => {
    const partition = opened();
    feed(partition, 0, r(1));
    partition.heartbeat(now_ms + 2);
    expect(() => feed(partition, 1, r(1, 78))).toThrow(/after a restart it is known/);
    expect(feed(partition, 1, c(9))).toEqual(['row']);
    expect(emitted(partition)).toEqual(['0r +1', '1c +9']);
  });
});

describe('the stream repeats changes that the snapshot contains', () => {
  test('an insertion of an append-only table is dropped, where others are replaced', () => {
    const partition = opened(undefined, { ...transactionsPlan, appendOnly: true });
    feed(partition, 0, r(1), r(2), c(2, 1), c(3, 2), c(4, 70));
    expect(emitted(partition)).toEqual(['0r +1', '1r +2', '3c +3', '4c +4']);
  });

  /** Offsets 0 to 2: the rows 1 to 3 as the snapshot read them. */
  function released(): SourcePartition {
    const partition = opened();
    feed(partition, 0, r(1), r(2), r(3, 77, { cents: 533 }));
    partition.release(now_ms);
    takeFrames(partition);
    return partition;
  }
  const three = (cents: number): Transaction => transaction(3, 1, { cents });
  const images = (partition: SourcePartition): unknown[] =>
    takeFrames(partition).flatMap(({ frame }) =>
      frame.rows.map(({ operation, before, after }) => [operation, before && before[2], after && after[2]]),
    );

  test('an insertion of a row that is there replaces it', () => {
    const partition = released();
    feed(partition, 3, change(null, three(1), 1));
    expect(images(partition)).toEqual([['u', 533n, 1n]]);
  });

  test('an update takes back what is there, not what it says', () => {
    const partition = released();
    feed(partition, 3, change(three(523), three(524), 1), change(three(524), three(525), 2));
    expect(images(partition)).toEqual([
      ['u', 533n, 524n],
      ['u', 524n, 525n],
    ]);
  });

  test('an update of a row that is not there inserts it; its deletion takes that back', () => {
    const partition = released();
    const [old, now] = [transaction(7, 1, { cents: 1 }), transaction(7, 1, { cents: 2 })];
    feed(partition, 3, change(old, now, 1), change(transaction(7, 1, { cents: 3 }), null, 2));
    expect(images(partition)).toEqual([
      ['c', null, 2n],
      ['d', 2n, null],
    ]);
  });

  test('a deletion of a row that is not there says nothing, and is counted', () => {
    const partition = released();
    expect(feed(partition, 3, change(transaction(7, 1), null, 1))).toEqual<Outcome[]>(['superseded']);
    expect(images(partition)).toEqual([]);
    expect(partition.marks.data_us).toBe(start_us + 2_000_000);
  });

  test('an update of the primary key takes back the row under the new one if it is there, else under the old one', () => {
    const partition = released();
    feed(partition, 3, change(transaction(7, 1), three(1), 1), change(transaction(1, 1), transaction(8, 1), 2));
    expect(emitted(partition)).toEqual(['3u -3 +3', '4u -1 +8']);
    expect(feed(partition, 5, change(transaction(1, 1), null, 3))).toEqual(['superseded']);
  });

  test('offsets are held until a row commits a minute after the snapshot; from that row on changes stay what they say', () => {
    const partition = released();
    feed(partition, 3, c(9, 59));
    expect(partition.resumeAt).toBe(0);
    expect(partition.highWater).toMatchObject({ commit_us: -Infinity, eventTime_us: -Infinity, snapshotEnd: 3 });
    feed(partition, 4, change(three(1), three(2), 60));
    expect(partition.resumeAt).toBeNull();
    expect(partition.highWater.commit_us).toBe(start_us + 60_000_000);
    feed(partition, 5, change(three(5), three(6), 10_000));
    expect(images(partition)).toEqual([
      ['c', null, 1999n],
      ['u', 1n, 2n],
      ['u', 5n, 6n],
    ]);
  });

  test('an owner that takes over emits the same rows at the same offsets, whoever ended the snapshot', () => {
    const records = [r(1), r(2), r(3), change(three(523), three(524), 1), change(null, transaction(1, 1), 2), c(9, 3)];
    const first = opened();
    feed(first, 0, ...records.slice(0, 3));
    first.heartbeat(now_ms + 10);
    first.release(now_ms);
    feed(first, 3, ...records.slice(3));
    const second = reopened(first);
    expect(first.resumeAt).toBe(0);
    feed(second, 0, ...records);
    const rows = takeFrames(first).flatMap(({ frame }) => frame.rows);
    expect(rows).toHaveLength(6);
    expect(takeFrames(second).flatMap(({ frame }) => frame.rows)).toEqual(rows);
  });

  test('replays of the connector are still dropped', () => {
    const partition = released();
    const update = change(three(523), three(524), 1);
    expect(feed(partition, 3, update, update)).toEqual<Outcome[]>(['row', 'replayed']);
  });
});

describe('a later snapshot', () => {
  const kinds = [
    ['an incremental snapshot', 'incremental', /a row of an incremental snapshot/],
    ['another initial snapshot', 'true', /a row of another snapshot/],
  ] as const;

  test.each(kinds)('%s after streamed rows is refused by default', (_, snapshot, message) => {
    const partition = opened();
    feed(partition, 0, c(1));
    const later = (): Outcome[] => feed(partition, 1, snapshotRow(transaction(2, 1), 99, snapshot));
    expect(later).toThrow(SourceStoppedError);
    expect(later).toThrow(message);
    expect(later).toThrow(/snapshots: 'ignore'.*delete the source topic.*raise the generation/);
  });

  test.each(kinds)("%s after streamed rows is passed over with snapshots: 'ignore'", (_, snapshot) => {
    const partition = opened(null, ignoring);
    feed(partition, 0, c(1));
    takeFrames(partition);
    const before = partition.highWater;
    expect(feed(partition, 1, snapshotRow(transaction(2, 1), 99, snapshot))).toEqual(['snapshot-ignored']);
    expect(partition.highWater).toEqual(before);
    expect(partition.takeFrames()).toEqual([]);
  });

  test('an incremental snapshot before any streamed row is refused, too', () => {
    expect(() => feed(opened(), 0, snapshotRow(transaction(2, 1), 99, 'incremental'))).toThrow(
      /an incremental snapshot/,
    );
  });

  test('the first snapshot counts where later ones are ignored', () => {
    const partition = opened(null, ignoring);
    feed(partition, 0, r(1), c(9), r(1, 99));
    expect(emitted(partition)).toEqual(['0r +1', '1c +9']);
  });
});

test('rows past the memory stop the source with what to do, and are freed when the partition leaves', () => {
  const budget = new StagingBudget(2000);
  const partition = opened(null, transactionsPlan, budget);
  const fill = (): void => {
    for (let id = 1; id < 100; id++) feed(partition, id, r(id));
  };
  expect(fill).toThrow(SourceStoppedError);
  expect(fill).toThrow(/more than 2000 bytes.*MILLRACE_SNAPSHOT_BYTES/);
  expect(budget.used_bytes).toBeGreaterThan(1700);
  partition.close();
  expect(budget.used_bytes).toBe(0);
});

test('a row that is staged twice is kept once', () => {
  const budget = new StagingBudget(2000);
  const partition = opened(null, transactionsPlan, budget);
  feed(partition, 0, r(1));
  const once = budget.used_bytes;
  feed(partition, 1, ...Array<Buffer>(50).fill(r(1, 78)));
  expect(budget.used_bytes).toBe(once);
  partition.release(now_ms);
  expect(takeFrames(partition)[0]!.frame.rows).toMatchObject([{ offset: 50, after: rowOf(transaction(1, 1)) }]);
});

test('a recorded snapshot that was killed and begun again: what stays is the table', () => {
  const table = debezium({ prefix: 'sb1', decimals: 'string', times: 'microseconds' }).table('public.transactions', {
    columns: { transaction_id: int64(), user_id: int64(), note: text().nullable(), transaction_time: timestamptz() },
    primaryKey: ['transaction_id'],
    replicaIdentity: 'full',
    time: { event: 'transaction_time' },
  });
  const view = featureView('v', {
    entity: entity('user', { key: { user_id: int64() } }),
    from: { tx: table.by({ user_id: 'user_id' }) },
    features: ({ tx }) => ({ n: count(tx).over(tumbling('5m')) }),
  });
  const [plan] = buildPlan({ view }).entities;
  const heartbeats = golden('snapshot-restart', '__debezium-heartbeat.sb1').map(({ value }) => decodeHeartbeat(value)!);
  expect(heartbeats.length).toBeGreaterThan(1);
  const kept = new Map<bigint, string>();
  const said: string[] = [];
  const superseded: number[] = [];
  for (const partition of [0, 1, 2]) {
    const source = new SourcePartition({
      table: plan!.tables[0]!,
      topicId: '00'.repeat(16),
      partition,
      partitionCount: 3,
      routes: routesOf([plan!], plan!.tables[0]!.topic),
      restored: null,
      stage: new MemoryStage(
        plan!.tables[0]!.columns.map(({ type }) => type),
        new StagingBudget(1 << 20),
      ),
    });
    for (const record of golden('snapshot-restart', 'transactions').filter((each) => each.partition === partition)) {
      const outcome = source.accept(record.offset, record.value, 0, record.timestamp);
      if (outcome === 'superseded') said.push(`${record.offset} superseded`);
    }
    for (const heartbeat_ms of heartbeats) if (source.heartbeat(heartbeat_ms)) source.release(0);
    superseded.push(source.late.superseded);
    for (const { bytes } of source.takeFrames()) {
      for (const { before, after } of (decodeEntityFrame(bytes, plan!) as RowsFrame).rows) {
        if (before !== null) {
          expect(kept.get(before[0] as bigint)).toBe(noteOf(before));
          kept.delete(before[0] as bigint);
        }
        if (after !== null) {
          expect(kept.has(after[0] as bigint)).toBe(false);
          kept.set(after[0] as bigint, noteOf(after));
        }
      }
    }
  }
  expect(superseded).toEqual([2, 1, 1]);
  expect(said).toEqual(['363889 superseded']);
  expect(Object.fromEntries(kept)).toEqual({
    534: 'null',
    10000530: 'c530',
    100450: 'u450',
    100300: 'u300',
    10000300: 'c300',
    200000: 'hot525',
  });
});

const noteOf = (row: Row): string => String(row[2]);
