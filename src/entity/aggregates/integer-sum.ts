import type { Value } from '../../define/column.ts';
import type { ByteReader, ByteWriter } from '../../frames/bytes.ts';
import type { Aggregate, PaneChanges, RowOrder } from './aggregate.ts';
import { divide } from './exact-division.ts';
import { readBigint, writeBigint } from './scalar-codec.ts';

/** The sum of integers and decimals, exact: of their runtime forms, as one integer of any size. */
export class IntegerSum implements Aggregate {
  private values = 0;
  private total = 0n;

  get isEmpty(): boolean {
    return this.values === 0;
  }

  insert(value: Value, at: RowOrder, changes: PaneChanges | null): void {
    if (value === null) return;
    this.values++;
    this.total += typeof value === 'bigint' ? value : BigInt(value as number);
    changes?.insert(value, at);
  }

  retract(value: Value, at: RowOrder, changes: PaneChanges | null): boolean {
    if (value === null) return true;
    if (this.values === 0) return false;
    this.values--;
    this.total -= typeof value === 'bigint' ? value : BigInt(value as number);
    changes?.retract(value, at);
    return true;
  }

  add(pane: IntegerSum): void {
    this.values += pane.values;
    this.total += pane.total;
  }

  subtract(pane: IntegerSum): void {
    this.values -= pane.values;
    this.total -= pane.total;
  }

  write(out: ByteWriter): void {
    out.varint(this.values);
    if (this.values > 0) writeBigint(out, this.total);
  }

  read(from: ByteReader): void {
    this.values = from.varint();
    if (this.values > 0) this.total = readBigint(from);
  }

  sum(): bigint | null {
    return this.values === 0 ? null : this.total;
  }

  /** Correctly rounded. @param scale digits behind the point. */
  mean(scale: number): number | null {
    return this.values === 0 ? null : divide(this.total, BigInt(this.values) * 10n ** BigInt(scale));
  }
}
