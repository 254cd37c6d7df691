/**
 * (A) The ingest of one source partition: envelopes in, frames out. Pure: what is not determined by the records (the clock, how
 * many records stood together) is handed in and recorded in the frames.
 */
import { createDecoder } from '../cdc/decoder.ts';
import type { Decoded, RowChange } from '../cdc/row-change.ts';
import { keyOf } from '../define/key.ts';
import type { EntityPlan, TablePlan } from '../define/plan.ts';
import { SourceStoppedError } from '../errors.ts';
import { beforeBits, encodeRowsFrame, type Marks, type RowEntry, type SourceId } from '../frames/row-frame.ts';
import { noHighWater, type HighWater } from './high-water.ts';
import type { Outcome } from './outcome.ts';
import { ReplayFilter } from './replay-filter.ts';
import { route, type EntityRoute } from './router.ts';
import { SourceMarks } from './source-marks.ts';

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
}

export interface OutgoingFrame {
  readonly entity: EntityPlan;
  readonly partition: number;
  readonly bytes: Buffer;
  readonly rows: number;
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
  private readonly topicId: string;
  private readonly partitionCount: number;
  private readonly routes: readonly EntityRoute[];
  private readonly decode: (value: Uint8Array | null) => Decoded;
  private readonly replays: ReplayFilter;
  private readonly time: SourceMarks;
  private readonly open = new Map<string, OpenFrame>();
  private readonly full: OutgoingFrame[] = [];
  private snapshotLsn: bigint;
  /** Frames carry the marks from before their rows: rows that stood in one batch do not make each other late. */
  private marksBefore: Marks;

  constructor(options: SourcePartitionOptions) {
    const restored = options.restored ?? noHighWater;
    this.table = options.table;
    this.topicId = options.topicId;
    this.partition = options.partition;
    this.partitionCount = options.partitionCount;
    this.routes = options.routes;
    this.session = restored.session + 1;
    this.decode = createDecoder(options.table);
    this.replays = new ReplayFilter(restored);
    this.time = new SourceMarks(options.table.time, restored.eventTime_us);
    this.snapshotLsn = restored.snapshotLsn;
    this.marksBefore = this.time.marks;
  }

  /** To be sent on their own only when no row waits for its frame. */
  get marks(): Marks {
    return this.time.marks;
  }

  get highWater(): HighWater {
    return {
      ...this.replays.state,
      snapshotLsn: this.snapshotLsn,
      eventTime_us: this.time.eventTime_us,
      session: this.session,
    };
  }

  sourceId(route: EntityRoute): SourceId {
    return {
      table: route.table,
      topicId: this.topicId,
      partition: this.partition,
      partitionCount: this.partitionCount,
    };
  }

  /**
   * Takes one record.
   * @throws RecordError when this record is bad: the caller applies the table's policy and goes on behind it.
   * @throws SourceStoppedError when the source cannot be trusted any more.
   */
  accept(offset: number, value: Uint8Array | null, now_ms: number): Outcome {
    const change = this.decode(value);
    if (change.kind === 'tombstone') return 'tombstone';
    if (change.snapshot !== 'streamed') {
      if (!this.acceptsSnapshot(change)) return 'snapshot-ignored';
    } else {
      const identified = (change.after ?? change.before)!;
      if (this.replays.isReplay(change, keyOf(identified, this.table.primaryKey) ?? '')) return 'replayed';
      this.time.row(this.eventTime_us(change), change.commit_us);
    }
    this.stage(offset, change, value!.length, now_ms);
    return 'row';
  }

  caughtUp(asked_ms: number, quietSince_ms: number, heartbeat_ms: number | null): void {
    this.time.caughtUp(asked_ms, quietSince_ms, heartbeat_ms);
    if (![...this.open.values()].some((frame) => frame.rows.length > 0)) this.marksBefore = this.time.marks;
  }

  /** The frames of all that was accepted since the last call. */
  takeFrames(): OutgoingFrame[] {
    for (const frame of this.open.values()) if (frame.rows.length > 0) this.close(frame);
    this.marksBefore = this.time.marks;
    return this.full.splice(0);
  }

  private eventTime_us(change: RowChange): number {
    const column = this.table.time?.column;
    return column === undefined ? change.commit_us : Number((change.after ?? change.before)![column]);
  }

  /** Rows of the first snapshot are insertions; any other snapshot would count rows twice. */
  private acceptsSnapshot(change: RowChange): boolean {
    const first = change.snapshot === 'initial' && !this.replays.hasStreamed;
    if (first && (this.snapshotLsn === 0n || this.snapshotLsn === change.lsn)) {
      this.snapshotLsn = change.lsn;
      return true;
    }
    if (this.table.snapshots === 'ignore' && !first) return false;
    throw new SourceStoppedError(
      'source-stopped',
      first
        ? `a second initial snapshot (LSN ${change.lsn} after ${this.snapshotLsn}): the connector restarted in the middle of one, and rows ` +
            'deleted in between would stay for ever. Raise the generation of the entity and let one snapshot run to its end'
        : `a row of ${change.snapshot === 'incremental' ? 'an incremental' : 'another'} snapshot, after rows were streamed: it would be counted ` +
            "twice. Declare the table with snapshots: 'ignore' to pass over such rows, or raise the generation of the entity to rebuild from it",
    );
  }

  private stage(offset: number, change: RowChange, size_bytes: number, now_ms: number): void {
    const { before, after, commit_us, operation } = change;
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
        frame.size_bytes += size_bytes;
        if (frame.size_bytes >= frameLimit_bytes) this.close(frame);
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

  private close(frame: OpenFrame): void {
    const { route: target, partition, rows, number } = frame;
    const { session, marksBefore: marks } = this;
    const bytes = encodeRowsFrame(target.entity, { source: this.sourceId(target), session, number, marks, rows });
    this.full.push({ entity: target.entity, partition, bytes, rows: rows.length });
    frame.number++;
    frame.size_bytes = 0;
    frame.rows = [];
  }
}
