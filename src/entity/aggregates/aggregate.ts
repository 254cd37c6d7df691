import type { Value } from '../../define/column.ts';
import type { ByteReader, ByteWriter } from '../../frames/bytes.ts';

/**
 * A running result over the rows of a pane that can take a row back. After insert and retract of the same value it is as if the
 * value had never been there.
 */
export interface Aggregate {
  insert(value: Value): void;
  /** @returns false when no such value was there to take back. */
  retract(value: Value): boolean;
  /** Null when it is empty; what the feature shows then is the feature's business. */
  result(): Value;
  /** The same rows give the same bytes, in whatever order they came. */
  write(out: ByteWriter): void;
  /** What {@link write} wrote, into an empty one. */
  read(from: ByteReader): void;
}
