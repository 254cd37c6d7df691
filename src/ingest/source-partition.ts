/**
 * (A) The ingest of one source partition: envelopes in, frames out. Pure: what is not determined by the records (the clock, how
 * many records stood together) is handed in and recorded in the frames.
 */
import { createDecoder } from '../cdc/decoder.ts';
import type { Decoded, RowChange } from '../cdc/row-change.ts';
import { keyOf } from '../define/key.ts';
import type { EntityPlan, Row, TablePlan } from '../define/plan.ts';
import { SourceStoppedError } from '../errors.ts';
import {
  beforeBits,
  encodeRowsFrame,
  type Marks,
  type Operation,
  type RowEntry,
  type SourceId,
} from '../frames/row-frame.ts';
import { FirstSnapshot } from './first-snapshot.ts';
import { noHighWater, type HighWater } from './high-water.ts';
import type { Outcome } from './outcome.ts';
import { ReplayFilter } from './replay-filter.ts';
import { route, type EntityRoute } from './router.ts';
import { readersOf, type SourceIdentity } from './source-identity.ts';
import { SourceMarks } from './source-marks.ts';
import type { SnapshotStage } from './snapshot-stage.ts';

/** A frame ends here: a record of the entity log stays well below the broker's limit. */
const frameLimit_bytes = 256 * 1024;

export interface SourcePartitionOptions {
  readonly table: TablePlan;
  readonly topicId: string;
  readonly partition: number;
  readonly partitionCount: number;
  readonly routes: readonly EntityRoute[];
  /** What the committed source offset carried, null at the first start. */
  readonly restored: HighWater | null;
  /** Empty; for the rows of the first snapshot. */
  readonly stage: SnapshotStage;
}

/** What became of rows later than the record that brought them. */
export interface LateOutcomes {
  /** Rows of the first snapshot that were released. */
  row: number;
  superseded: number;
}

/** What a frame is to say of a source row. */
interface Change {
  readonly operation: Operation;
  readonly before: Row | null;
  readonly after: Row | null;
  readonly commit_us: number;
}

export interface OutgoingFrame {
  readonly entity: EntityPlan;
  readonly partition: number;
  readonly bytes: Buffer;
  readonly rows: readonly RowEntry[];
}

/** Rows that wait for their frame, of one entity partition. */
interface OpenFrame {
  readonly route: EntityRoute;
  readonly partition: number;
  number: number;
  size_bytes: number;
  rows: RowEntry[];
}

export class SourcePartition {
  readonly table: TablePlan;
  readonly partition: number;
  readonly session: number;
  /** Images that belonged to no key. */
  unrouted = 0;
  /** Not yet counted. */
  readonly late: LateOutcomes = { row: 0, superseded: 0 };
  private readonly identity: SourceIdentity;
  private readonly routes: readonly EntityRoute[];
  private readonly decode: (value: Uint8Array | null) => Decoded;
  private readonly replays: ReplayFilter;
  private readonly time: SourceMarks;
  private readonly open = new Map<string, OpenFrame>();
  private readonly full: OutgoingFrame[] = [];
  private readonly snapshot: FirstSnapshot;
  /** Frames carry the marks from before their rows: rows that stood in one batch do not make each other late. */
  private marksBefore: Marks;

  constructor(options: SourcePartitionOptions) {
    const restored = options.restored ?? noHighWater;
    const { topicId, partitionCount, routes } = options;
    this.table = options.table;
    this.identity = { topicId, partitionCount, readers: readersOf(routes) };
    this.partition = options.partition;
    this.routes = routes;
    this.session = restored.session + 1;
    this.decode = createDecoder(options.table);
    this.replays = new ReplayFilter(restored);
    this.time = new SourceMarks(options.table.time, restored.eventTime_us);
    this.snapshot = new FirstSnapshot({
      stage: options.stage,
      primaryKey: options.table.primaryKey,
      appendOnly: options.table.appendOnly,
      hasStreamed: this.replays.hasStreamed,
      end: restored.snapshotEnd,
    });
    this.marksBefore = this.time.marks;
  }

  get topicId(): string {
    return this.identity.topicId;
  }

  /** To be sent on their own only when no row waits for its frame. */
  get marks(): Marks {
    return this.time.marks;
  }

  /** What a new owner has to know at {@link resumeAt}, or behind the last record when that is null. */
  get highWater(): HighWater {
    const { identity, session } = this;
    const snapshotEnd = this.snapshot.end;
    if (this.resumeAt !== null) return { ...noHighWater, ...identity, snapshotEnd, session };
    return { ...identity, ...this.replays.state, snapshotEnd, eventTime_us: this.time.eventTime_us, session };
  }

  /** The source offset from which a new owner has to read again; null when that is behind the last record. */
  get resumeAt(): number | null {
    return this.snapshot.heldFrom;
  }

  /** Rows of the first snapshot that wait for its end. */
  get staged(): number {
    return this.snapshot.waiting;
  }

  sourceId(route: EntityRoute): SourceId {
    const { topicId, partitionCount } = this.identity;
    return { table: route.table, topicId, partition: this.partition, partitionCount };
  }

  /**
   * Takes one record.
   * @param written_ms when the log stored it.
   * @throws RecordError when this record is bad: the caller applies the table's policy and goes on behind it.
   * @throws SourceStoppedError when the source cannot be trusted any more.
   */
  accept(offset: number, value: Uint8Array | null, now_ms: number, written_ms: number): Outcome {
    if (offset >= this.snapshot.dueAt) this.release(now_ms);
    const change = this.decode(value);
    if (change.kind === 'tombstone') return 'tombstone';
    if (change.snapshot !== 'streamed') return this.acceptSnapshot(offset, change, now_ms, written_ms);
    const identified = (change.after ?? change.before)!;
    if (this.replays.isReplay(change, keyOf(identified, this.table.primaryKey) ?? '')) return 'replayed';
    if (this.snapshot.isOpen) this.release(now_ms);
    this.time.row(this.eventTime_us(change), change.commit_us);
    const applied = this.snapshot.apply(offset, change);
    if (applied === null) return 'superseded';
    this.route(offset, applied, value!.length, now_ms);
    return 'row';
  }

  /**
   * The partition is caught up with all that was written before a heartbeat: the first snapshot is over if its rows are older.
   * @returns whether it is. From now on {@link highWater} says so; once that is committed, {@link release} is to be called.
   */
  heartbeat(heartbeat_ms: number | null): boolean {
    if (!this.snapshot.isOverBy(heartbeat_ms)) return false;
    this.snapshot.decideOver();
    return true;
  }

  /** Lets the rows of the first snapshot go, if they still wait. */
  release(now_ms: number): void {
    if (!this.snapshot.isOpen) return;
    this.late.superseded += this.snapshot.release((offset, after, commit_us, size_bytes) => {
      this.late.row++;
      this.route(offset, { operation: 'r', before: null, after, commit_us }, size_bytes, now_ms);
    });
  }

  caughtUp(asked_ms: number, quietSince_ms: number, heartbeat_ms: number | null): void {
    // Time must not pass over rows that wait.
    if (this.staged > 0) return;
    this.time.caughtUp(asked_ms, quietSince_ms, heartbeat_ms);
    if (![...this.open.values()].some((frame) => frame.rows.length > 0)) this.marksBefore = this.time.marks;
  }

  /** Frees what is kept of the first snapshot; nothing may follow. */
  close(): void {
    this.snapshot.close();
  }

  /** The frames of all that was accepted since the last call. */
  takeFrames(): OutgoingFrame[] {
    for (const frame of this.open.values()) if (frame.rows.length > 0) this.closeFrame(frame);
    this.marksBefore = this.time.marks;
    return this.full.splice(0);
  }

  private eventTime_us(change: RowChange): number {
    const column = this.table.time?.column;
    return column === undefined ? change.commit_us : Number((change.after ?? change.before)![column]);
  }

  /** Rows of the first snapshot are insertions; any other snapshot would count rows twice. */
  private acceptSnapshot(offset: number, change: RowChange, now_ms: number, written_ms: number): Outcome {
    if (change.snapshot === 'initial' && this.snapshot.isOpen) {
      this.snapshot.take(offset, change, written_ms);
      if (offset + 1 >= this.snapshot.dueAt) this.release(now_ms);
      return 'staged';
    }
    if (this.table.snapshots === 'ignore') return 'snapshot-ignored';
    throw new SourceStoppedError(
      'source-stopped',
      `a row of ${change.snapshot === 'incremental' ? 'an incremental' : 'another'} snapshot, after the first: it would be counted twice. ` +
        "Declare the table with snapshots: 'ignore' to pass over such rows; or, to rebuild from a snapshot, delete the source topic, " +
        'let the connector take its snapshot anew, and raise the generation of the entity',
    );
  }

  private route(offset: number, { operation, before, after, commit_us }: Change, bytes: number, now_ms: number): void {
    for (const target of this.routes) {
      this.unrouted += route(target, before, after, (partition, routes) => {
        const frame = this.openFrame(target, partition);
        frame.rows.push({
          offset,
          operation,
          commit_us,
          ingest_ms: now_ms,
          routes,
          before: (routes & beforeBits) !== 0 ? before : null,
          after: (routes & (beforeBits << 1)) !== 0 ? after : null,
        });
        frame.size_bytes += bytes;
        if (frame.size_bytes >= frameLimit_bytes) this.closeFrame(frame);
      });
    }
  }

  private openFrame(target: EntityRoute, partition: number): OpenFrame {
    const id = `${target.entity.name}/${partition}`;
    let frame = this.open.get(id);
    if (frame === undefined) {
      frame = { route: target, partition, number: 0, size_bytes: 0, rows: [] };
      this.open.set(id, frame);
    }
    return frame;
  }

  private closeFrame(frame: OpenFrame): void {
    const { route: target, partition, rows, number } = frame;
    const { session, marksBefore: marks } = this;
    const bytes = encodeRowsFrame(target.entity, { source: this.sourceId(target), session, number, marks, rows });
    this.full.push({ entity: target.entity, partition, bytes, rows });
    frame.number++;
    frame.size_bytes = 0;
    frame.rows = [];
  }
}
