/**
 * The first snapshot of a source partition. Its rows wait until it is over: one that died and was begun anew leaves rows that nothing
 * will ever delete. Then they stay as an index for a while: the stream repeats changes that they already contain. protocol: replays.
 */
import type { RowChange } from '../cdc/row-change.ts';
import { keyOf } from '../define/key.ts';
import type { Row } from '../define/plan.ts';
import { MillraceError, SourceStoppedError } from '../errors.ts';
import type { SnapshotStage } from './snapshot-stage.ts';

/** Repeated were 0.4 s of changes; a row that committed this long after the snapshot is none of them. */
const repeats_us = 60_000_000;

/**
 * `open` → `indexed` → `over`; `open` → `over` when the partition has no snapshot row. Which row moves it on is a matter of the source's
 * prefix; the one exception, an end that a heartbeat told, is committed before anything follows from it.
 */
type Phase =
  /** Rows of the snapshot may come; those that came wait. */
  | 'open'
  /** Its rows left. They tell what a streamed row replaces. */
  | 'indexed'
  | 'over';

/** One attempt of the connector to read all tables. */
interface Pass {
  readonly lsn: bigint;
  /** When its transaction began: the same for all of its rows. */
  readonly commit_us: number;
}

export interface FirstSnapshotOptions {
  readonly stage: SnapshotStage;
  readonly primaryKey: readonly number[];
  /** Rows are never changed: a streamed one that the index has is repeated. */
  readonly appendOnly: boolean;
  /** A streamed row was accepted before. */
  readonly hasStreamed: boolean;
  /** What the committed source offset says: the offset behind the last row, 0 when the end is not known yet. */
  readonly end: number;
}

export class FirstSnapshot {
  private readonly stage: SnapshotStage;
  private readonly primaryKey: readonly number[];
  private readonly appendOnly: boolean;
  private phase: Phase;
  private newest: Pass | null = null;
  private first: number | null = null;
  private last = -1;
  private written_ms = -Infinity;
  private endOffset: number;
  /** The end is known from an earlier life: a record there or behind it is not waited for any longer. */
  readonly dueAt: number;

  constructor({ stage, primaryKey, appendOnly, hasStreamed, end }: FirstSnapshotOptions) {
    this.stage = stage;
    this.primaryKey = primaryKey;
    this.appendOnly = appendOnly;
    this.phase = hasStreamed ? 'over' : 'open';
    this.endOffset = end;
    this.dueAt = end > 0 && !hasStreamed ? end : Infinity;
  }

  get isOpen(): boolean {
    return this.phase === 'open';
  }

  get isIndexed(): boolean {
    return this.phase === 'indexed';
  }

  /** Rows that wait for the end of the snapshot. */
  get waiting(): number {
    return this.isOpen ? this.stage.size : 0;
  }

  /** Where a new owner has to read from, to know the rows that are kept here; null when none are. */
  get heldFrom(): number | null {
    return this.phase === 'over' ? null : this.first;
  }

  /** The offset behind the last row of the snapshot, 0 while that is not known. */
  get end(): number {
    return this.endOffset;
  }

  /**
   * Heartbeats come only while the connector streams. Holds if the partition is caught up, with all that was written before the heartbeat.
   * @param heartbeat_ms the connector's newest heartbeat, null when there was none.
   */
  isOverBy(heartbeat_ms: number | null): boolean {
    return this.waiting > 0 && heartbeat_ms !== null && heartbeat_ms > this.written_ms;
  }

  /** From now on no further row belongs to it. To be committed before {@link release}: a new owner would not know of the heartbeat. */
  decideOver(): void {
    this.endOffset = this.last + 1;
  }

  /**
   * A row of the snapshot.
   * @param written_ms when the log stored it.
   * @throws SourceStoppedError when the database's log went back.
   */
  take(offset: number, change: RowChange, written_ms: number): void {
    if (this.endOffset !== 0 && offset >= this.endOffset) throw undecided();
    if (this.newest !== null && change.lsn < this.newest.lsn) throw wentBack(change, this.newest);
    this.stage.put(this.keyOf(change.after!), { offset, lsn: change.lsn, row: change.after! });
    if (this.newest?.lsn !== change.lsn) this.newest = { lsn: change.lsn, commit_us: change.commit_us };
    this.first ??= offset;
    this.last = offset;
    this.written_ms = Math.max(this.written_ms, written_ms);
  }

  /**
   * The snapshot is over: gives its rows away, in the order of their offsets.
   * @returns how many rows of an older pass the newest did not confirm.
   */
  release(to: (offset: number, row: Row, commit_us: number, size_bytes: number) => void): number {
    const pass = this.newest;
    this.phase = pass === null ? 'over' : 'indexed';
    if (pass === null) return 0;
    this.endOffset = this.last + 1;
    let superseded = 0;
    for (const [primaryKey, { offset, lsn, row }, size_bytes] of this.stage.rows()) {
      if (lsn === pass.lsn) {
        to(offset, row, pass.commit_us, size_bytes);
      } else {
        this.stage.remove(primaryKey);
        superseded++;
      }
    }
    return superseded;
  }

  /**
   * A streamed row after the snapshot, with the images that its index has; null when the snapshot knew of it already.
   * The row that commits long enough after the snapshot, and all behind it, stay what they are.
   */
  apply(offset: number, change: RowChange): RowChange | null {
    if (!this.isIndexed) return change;
    if (change.commit_us >= this.newest!.commit_us + repeats_us) {
      this.phase = 'over';
      this.stage.clear();
      return change;
    }
    const { after } = change;
    const before = this.replaced(change);
    if (after !== null) this.stage.put(this.keyOf(after), { offset, lsn: change.lsn, row: after });
    if (after === null && before === null) return null;
    // Nothing is taken back of such a table, not even to be put in again.
    if (this.appendOnly) return before === null ? change : null;
    return { ...change, operation: before === null ? 'c' : after === null ? 'd' : 'u', before, after };
  }

  /** Frees what is kept; nothing may follow. */
  close(): void {
    this.stage.clear();
  }

  /** The indexed row that a streamed row replaces or deletes; it leaves the index. */
  private replaced({ before, after }: RowChange): Row | null {
    const keys = [after, before].flatMap((image) => (image === null ? [] : [this.keyOf(image)]));
    for (const key of keys) {
      const row = this.stage.get(key);
      if (row === null) continue;
      // Where the new key is there, the change is a repeated one, and a row under the old key was inserted after it.
      this.stage.remove(key);
      return row;
    }
    return null;
  }

  private keyOf(row: Row): string {
    return keyOf(row, this.primaryKey) ?? '';
  }
}

function undecided(): MillraceError {
  return new MillraceError(
    'source-stopped',
    'a further snapshot row arrived while the end of the snapshot was being committed; after a restart it is known which came first',
  );
}

function wentBack({ lsn }: RowChange, newest: Pass): SourceStoppedError {
  return new SourceStoppedError(
    'source-stopped',
    `the snapshot was begun again at LSN ${lsn}, after ${newest.lsn}: the log of the database went back, it was restored or is another one. ` +
      'Delete the source topic, let the connector take its snapshot anew, and raise the generation of the entity',
  );
}
