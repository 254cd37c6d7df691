import type { Row } from '../define/plan.ts';

/** What one record of a source topic says. */
export type Decoded = RowChange | Tombstone;

/** A null value: it follows a delete, for compaction's sake. Says nothing new. */
export interface Tombstone {
  readonly kind: 'tombstone';
}

/** A row of a table was inserted, updated, deleted, or read by a snapshot. */
export interface RowChange {
  readonly kind: 'row';
  readonly operation: 'c' | 'u' | 'd' | 'r';
  /** Complete before image: on `u` and `d`. */
  readonly before: Row | null;
  /** On `c`, `u`, `r`. */
  readonly after: Row | null;
  /** `source.ts_us`: the database's commit time; the start of the snapshot for `r`. */
  readonly commit_us: number;
  /** `source.snapshot`: streamed, part of an initial snapshot, or of an incremental one. */
  readonly snapshot: 'streamed' | 'initial' | 'incremental';
  /** `source.sequence`: monotone in commit order per source partition. Null counts as 0. */
  readonly sequence: readonly [bigint, bigint];
  /** `source.lsn`; snapshot rows of one pass share it. */
  readonly lsn: bigint;
}
