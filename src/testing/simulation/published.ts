/** What the connector sent, by topic, partition and offset: the truth that source prefixes are recounted from. */
import type { Fields, SimulatedTable } from './simulated-database.ts';

export interface PublishedRecord {
  readonly kind: 'snapshot' | 'change' | 'tombstone';
  readonly table: SimulatedTable;
  readonly primaryKey: bigint;
  readonly before: Fields | null;
  /** Null for a delete and its tombstone. */
  readonly after: Fields | null;
  readonly commit_us: number;
  readonly sent_ms: number;
  /** Which pass of the snapshot read it, from 1; 0 for streamed records. */
  readonly pass: number;
  /** The same change stands at a lower offset of this partition: a restarted connector sent it again. */
  readonly repeated: boolean;
}

/** Topic → partition → records; a record's index is its offset. */
export type Published = ReadonlyMap<string, readonly (readonly PublishedRecord[])[]>;
