import type { Value } from '../../define/column.ts';
import type { ByteReader, ByteWriter } from '../../frames/bytes.ts';
import type { Aggregate, PaneChanges, RowOrder } from './aggregate.ts';
import { divide } from './exact-division.ts';
import { readBigint, writeBigint } from './scalar-codec.ts';

/** A sum of 32-bit integers below this does not grow out of a double's 53 bits with one more. */
const smallLimit = 2 ** 52;

/** The first sum that has more digits than the type of a sum, decimal(38, s). */
const largest = 10n ** 38n;

/** The sum of integers and decimals, exact: of their runtime forms, as an integer of any size. */
export class IntegerSum implements Aggregate {
  private values = 0;
  private large = 0n;
  /** The sum of those that are numbers, as long as it is small: a third of the time of a bigint. */
  private small = 0;

  get isEmpty(): boolean {
    return this.values === 0;
  }

  insert(value: Value, at: RowOrder, changes: PaneChanges | null): void {
    if (value === null) return;
    this.values++;
    if (typeof value === 'bigint') this.large += value;
    else this.addSmall(value as number);
    changes?.insert(value, at);
  }

  retract(value: Value, at: RowOrder, changes: PaneChanges | null): boolean {
    if (value === null) return true;
    if (this.values === 0) return false;
    this.values--;
    if (typeof value === 'bigint') this.large -= value;
    else this.addSmall(-(value as number));
    changes?.retract(value, at);
    return true;
  }

  add(pane: IntegerSum): void {
    this.values += pane.values;
    this.large += pane.large;
    this.addSmall(pane.small);
  }

  subtract(pane: IntegerSum): void {
    this.values -= pane.values;
    this.large -= pane.large;
    this.addSmall(-pane.small);
  }

  write(out: ByteWriter): void {
    out.varint(this.values);
    if (this.values > 0) writeBigint(out, this.total);
  }

  read(from: ByteReader): void {
    this.values = from.varint();
    if (this.values > 0) this.large = readBigint(from);
  }

  /** {@link subtract} of what a pane wrote. */
  subtractWritten(from: ByteReader): void {
    const values = from.varint();
    this.values -= values;
    if (values > 0) this.large -= readBigint(from);
  }

  /** Null beyond 38 digits, as arithmetic has it: a Parquet file could not hold it. The sum itself stays exact, and may come back. */
  sum(): bigint | null {
    if (this.values === 0) return null;
    const { total } = this;
    return total < largest && total > -largest ? total : null;
  }

  /** Correctly rounded. @param scale digits behind the point. */
  mean(scale: number): number | null {
    return this.values === 0 ? null : divide(this.total, BigInt(this.values) * 10n ** BigInt(scale));
  }

  private get total(): bigint {
    return this.small === 0 ? this.large : this.large + BigInt(this.small);
  }

  private addSmall(summand: number): void {
    this.small += summand;
    if (this.small < smallLimit && this.small > -smallLimit) return;
    this.large += BigInt(this.small);
    this.small = 0;
  }
}
