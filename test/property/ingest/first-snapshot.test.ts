import { isDeepStrictEqual } from 'node:util';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Row } from '../../../src/define/plan.ts';
import { decodeEntityFrame, type RowsFrame } from '../../../src/frames/row-frame.ts';
import { formatHighWater, parseHighWater } from '../../../src/ingest/high-water.ts';
import type { OutgoingFrame, SourcePartition } from '../../../src/ingest/source-partition.ts';
import { envelope, transactionFields, type EnvelopeOptions } from '../../support/envelope.ts';
import { rowOf, userPlan, type Transaction } from '../../support/shop.ts';
import { opened, start_us } from '../../support/source-partition.ts';

/** One change of the database: of a row that is there an update or a deletion, else an insertion. */
const change = fc.record({
  id: fc.integer({ min: 1, max: 8 }),
  user: fc.integer({ min: 1, max: 4 }),
  deletes: fc.boolean(),
  pass_ms: fc.oneof({ weight: 9, arbitrary: fc.nat(200) }, fc.nat(50_000)),
});
type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;
const changes = fc.array(change, { maxLength: 15 });

/** A pass of the snapshot that died after some rows, and what happened before the next one. */
const deadPass = fc.record({ rows: fc.nat(9), order: fc.nat(), between: changes });
const history = fc.record({
  before: changes,
  dead: fc.array(deadPass, { maxLength: 3 }),
  order: fc.nat(),
  /** Between the log position of the last pass and its reading: in its rows, and streamed. */
  repeated: changes,
  after: fc.array(change, { maxLength: 40 }),
});
type History = typeof history extends fc.Arbitrary<infer T> ? T : never;

/** One life of the ingest: batches, after each of which it may commit or see a heartbeat, until it dies. */
const life = fc.record({
  batches: fc.array(
    fc.record({ records: fc.integer({ min: 1, max: 12 }), commits: fc.boolean(), heartbeat: fc.boolean() }),
    { maxLength: 8 },
  ),
  /** It dies while it commits the end of the snapshot: not arrived, arrived, and the rows left. */
  ending: fc.constantFrom('lost', 'committed', 'released'),
  /** Frames behind the last commit that never arrived. */
  lost: fc.nat(6),
});
type Life = typeof life extends fc.Arbitrary<infer T> ? T : never;

class Database {
  readonly rows = new Map<number, Transaction>();
  readonly records: (Buffer | null)[] = [];
  /** Behind the last snapshot row. */
  snapshotEnd = 0;
  private now_us = start_us;
  private lsn = 100;
  private streams = false;

  constructor({ before, dead, order, repeated, after }: History) {
    // A partition in which a pass has no row does not know of that pass.
    this.rows.set(0, this.transaction(0, 1));
    before.forEach(this.change);
    for (const pass of dead) {
      this.read(this.lsn++, this.now_us, pass.order, pass.rows);
      pass.between.forEach(this.change);
    }
    const lsn = this.lsn++;
    this.streams = true;
    const streamed = this.records.splice(0);
    repeated.forEach((each) => {
      this.change({ ...each, pass_ms: each.pass_ms % 40 });
    });
    const repetition = this.records.splice(0);
    this.records.push(...streamed);
    this.read(lsn, this.now_us, order, Infinity);
    this.snapshotEnd = this.records.length;
    this.records.push(...repetition);
    after.forEach(this.change);
  }

  private read(lsn: number, commit_us: number, order: number, limit: number): void {
    const rows = [...this.rows.values()].sort((a, b) => ((a.id * 7 + order) % 11) - ((b.id * 7 + order) % 11));
    for (const row of rows.slice(0, limit))
      this.send({ op: 'r', after: transactionFields(row), snapshot: 'true', lsn, sequence: [null, lsn], commit_us });
  }

  private readonly change = ({ id, user, deletes, pass_ms }: Change): void => {
    this.now_us += pass_ms * 1000;
    const lsn = this.lsn++;
    const before = this.rows.get(id) ?? null;
    const after = deletes && before !== null ? null : this.transaction(id, user);
    if (after === null) this.rows.delete(id);
    else this.rows.set(id, after);
    if (!this.streams) return;
    this.send({
      op: before === null ? 'c' : after === null ? 'd' : 'u',
      before: before && transactionFields(before),
      after: after && transactionFields(after),
      sequence: [lsn, lsn],
      commit_us: this.now_us,
    });
    if (after === null) this.records.push(null);
  };

  private send(options: EnvelopeOptions): void {
    this.records.push(envelope(options));
  }

  private transaction(id: number, user: number): Transaction {
    return { id, user, cents: this.lsn, status: 'ok', location: null, time_us: this.now_us };
  }
}

/** The ingests of a partition, one after another, and the log that they write to. */
class Lives {
  readonly log: OutgoingFrame[] = [];
  private readonly database: Database;
  private committed: { offset: number; metadata: string } | null = null;
  private flushed = 0;
  private source: SourcePartition = opened();
  private next = 0;

  constructor(database: Database) {
    this.database = database;
  }

  live({ batches, ending, lost }: Life): void {
    this.begin();
    for (const { records, commits, heartbeat } of batches) {
      this.take(records);
      if (commits) this.commit();
      if (heartbeat && this.sees() && !this.end(ending)) break;
    }
    this.log.splice(Math.max(this.flushed, this.log.length - lost));
  }

  /** The last life reads all, and a heartbeat. */
  finish(): void {
    this.begin();
    this.take(Infinity);
    if (this.sees()) this.end('released');
    this.commit();
  }

  private begin(): void {
    this.source = opened(this.committed === null ? null : parseHighWater(this.committed.metadata));
    this.next = this.committed?.offset ?? 0;
    this.commit();
  }

  private take(count: number): void {
    for (const value of this.database.records.slice(this.next, this.next + count)) {
      this.source.accept(this.next, value, this.next, this.next);
      this.next++;
    }
    this.log.push(...this.source.takeFrames());
  }

  /** A heartbeat counts only when the partition is caught up with the whole snapshot. */
  private sees(): boolean {
    return this.next >= this.database.snapshotEnd && this.source.heartbeat(this.next + 1);
  }

  private end(ending: Life['ending']): boolean {
    if (ending !== 'lost') this.commit();
    if (ending !== 'released') return false;
    this.source.release(this.next);
    this.log.push(...this.source.takeFrames());
    return true;
  }

  private commit(): void {
    this.flushed = this.log.length;
    this.committed = {
      offset: this.source.resumeAt ?? this.next,
      metadata: formatHighWater(this.source.highWater),
    };
  }
}

/** What the entity tasks hold after their duplicate filter. @throws when a row is taken back that is not there. */
function applied(frames: readonly OutgoingFrame[]): Map<string, Row> {
  const held = new Map<string, Row>();
  const tasks = Array.from({ length: userPlan.partitions }, () => ({ offset: -1, session: -1, number: -1 }));
  // An update that moves a row to another key is two frames, of which either may come first.
  const name = (partition: number, row: Row): string => `${partition}/${String(row[0])}`;
  for (const { partition, bytes } of frames) {
    const frame = decodeEntityFrame(bytes, userPlan) as RowsFrame;
    const task = tasks[partition]!;
    if (frame.session < task.session) continue;
    if (frame.number !== (frame.session === task.session ? task.number + 1 : 0)) throw new Error('a hole');
    Object.assign(task, { session: frame.session, number: frame.number });
    for (const { offset, before, after } of frame.rows) {
      if (offset <= task.offset) continue;
      task.offset = offset;
      if (before !== null) {
        if (!isDeepStrictEqual(held.get(name(partition, before)), before))
          throw new Error(`offset ${offset} takes back a row that is not there`);
        held.delete(name(partition, before));
      }
      if (after === null) continue;
      if (held.has(name(partition, after))) throw new Error(`offset ${offset} inserts a row twice`);
      held.set(name(partition, after), after);
    }
  }
  return held;
}

const byId = (rows: Iterable<Row>): Row[] => [...rows].sort((a, b) => Number(a[0]) - Number(b[0]));

test('whenever the snapshot, the connector or the ingest dies, what entity tasks hold is the table', () => {
  fc.assert(
    fc.property(history, fc.array(life, { maxLength: 6 }), (past, deaths) => {
      const database = new Database(past);
      const lives = new Lives(database);
      for (const each of deaths) lives.live(each);
      lives.finish();
      expect(byId(applied(lives.log).values())).toEqual(byId([...database.rows.values()].map(rowOf)));
    }),
    { numRuns: 1500 },
  );
});
