import type { Value } from '../../define/column.ts';
import type { ByteReader, ByteWriter } from '../../frames/bytes.ts';
import type { Aggregate, PaneChanges, RowOrder } from './aggregate.ts';

/** How many values are not null. Where rows count, each comes as `true`. */
export class Count implements Aggregate {
  private values = 0;

  get isEmpty(): boolean {
    return this.values === 0;
  }

  insert(value: Value, at: RowOrder, changes: PaneChanges | null): void {
    if (value === null) return;
    this.values++;
    changes?.insert(value, at);
  }

  retract(value: Value, at: RowOrder, changes: PaneChanges | null): boolean {
    if (value === null) return true;
    if (this.values === 0) return false;
    this.values--;
    changes?.retract(value, at);
    return true;
  }

  add(pane: Count): void {
    this.values += pane.values;
  }

  subtract(pane: Count): void {
    this.values -= pane.values;
  }

  write(out: ByteWriter): void {
    out.varint(this.values);
  }

  read(from: ByteReader): void {
    this.values = from.varint();
  }

  /** {@link subtract} of what a pane wrote. */
  subtractWritten(from: ByteReader): void {
    this.values -= from.varint();
  }

  count(): bigint {
    return BigInt(this.values);
  }
}
