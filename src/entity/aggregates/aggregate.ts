import type { Scalar, Value } from '../../define/column.ts';
import type { ByteReader, ByteWriter } from '../../frames/bytes.ts';

/** Where a row stands among the rows of its input: first and last go by it, never by arrival. */
export interface RowOrder {
  readonly eventTime_us: number;
  /** In the order of the table's primary key. Tells rows apart. */
  readonly primaryKey: readonly Scalar[];
}

/** What a change of a pane means for the windows that the pane is in. */
export interface PaneChanges {
  insert(value: Value, at: RowOrder): void;
  retract(value: Value, at: RowOrder): void;
  /** The pane holds as much as it may: something of it is not kept any more, and cannot be taken back. Counted. */
  overflow(): void;
}

/**
 * What rows leave behind for an aggregation, of a pane or of a whole window. Exact under retraction: after insert and retract of the
 * same row it is as if the row had never been there, unless it had to leave something out ({@link PaneChanges.overflow}).
 *
 * A window that has several panes keeps an aggregate of its own, to which panes are added when they enter and from which they are taken
 * when they leave (subtract-on-evict), so that the cost of a row does not depend on how many panes a window has. A window's aggregate
 * keeps everything that its panes do.
 */
export interface Aggregate {
  readonly isEmpty: boolean;
  /** @param changes null for an aggregate of a window; for a pane, who has to be told what changes. */
  insert(value: Value, at: RowOrder, changes: PaneChanges | null): void;
  /** @returns false when no such value was there to take back. */
  retract(value: Value, at: RowOrder, changes: PaneChanges | null): boolean;
  /** Adds all that a pane of the same aggregation holds. */
  add(pane: this): void;
  /** Takes away what {@link add} added. */
  subtract(pane: this): void;
  /** The same rows give the same bytes, in whatever order they came. Of panes only. */
  write(out: ByteWriter): void;
  /** What {@link write} wrote, into an empty one. */
  read(from: ByteReader): void;
}
