import type { Row } from '../../define/plan.ts';
import type { ByteReader, ByteWriter } from '../../frames/bytes.ts';
import type { Aggregate, RowOrder } from '../aggregates/aggregate.ts';
import type { Marks } from '../../frames/row-frame.ts';

/** A row as a view sees it. */
export interface ViewRow extends RowOrder {
  readonly input: number;
  readonly row: Row;
  /** How far the row may move T: min(event time, commit time + maxAhead), microseconds; −∞ for a table without event time. */
  readonly reach_us: number;
}

/**
 * What became of a row: it counts in a window; it waits for its time; no window that counts now holds it, but one that still takes rows;
 * none takes it any more; it was to be taken back and was not there.
 */
export type Fate = 'applied' | 'held' | 'passed' | 'late' | 'unmatched';

/** What it needs to know of time when a row comes. */
export interface Moment {
  /** T of the key, microseconds. */
  readonly asOf_us: number;
  /** T of the newest value that was given out, −∞ before the first. */
  readonly publishedAsOf_us: number;
  readonly marks: Marks;
  readonly allowedLateness_us: number;
}

/** The rows of one key that windows of one kind share. Rows ahead of T never come here. */
export interface Series {
  readonly isEmpty: boolean;
  /** Lets T come to where it is. @returns whether a window holds other rows than before. */
  advance(moment: Moment): boolean;
  insert(row: ViewRow, moment: Moment): Fate;
  retract(row: ViewRow, moment: Moment): Fate;
  /** The next T at which time alone changes what a window holds, or what has to be kept; ∞ if there is none. */
  nextChange_us(moment: Moment): number;
  /** When the window that holds rows now closes; ∞ when none does. Of the series' first window. */
  closesAt_us(): number;
  /** What a feature reads: the aggregate of a window, null when the window is empty. */
  aggregateOf(window: number, aggregate: number, asOf_us: number): Aggregate | null;
  /** What could not be kept since the last call. */
  takeOverflows(): number;
  write(out: ByteWriter): void;
  read(from: ByteReader): void;
  takeChunks(out: ByteWriter, take: (chunk: number, value: Buffer | null) => void): void;
  /** The numbers of the chunks that it is in beside the key's own entry: as it was read or written last. */
  readonly storedChunks: ReadonlySet<number>;
  readChunk(chunk: number, bytes: Uint8Array): void;
}
