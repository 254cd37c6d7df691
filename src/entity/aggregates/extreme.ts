import { compareValues } from '../../define/predicate.ts';
import type { ColumnType, Value } from '../../define/column.ts';
import type { ByteReader, ByteWriter } from '../../frames/bytes.ts';
import { readValue, writeValue } from '../../frames/row-codec.ts';
import type { Aggregate } from './aggregate.ts';

/**
 * The smallest or largest value, exact under retraction: a multiset as a sorted array of distinct values with their counts.
 * Nulls do not count. An insertion costs a binary search and, for a value that is new and not at the end, a shift.
 */
export class Extreme implements Aggregate {
  private readonly largest: boolean;
  private readonly type: ColumnType;
  private readonly values: NonNullable<Value>[] = [];
  private readonly counts: number[] = [];

  constructor(largest: boolean, type: ColumnType) {
    this.largest = largest;
    this.type = type;
  }

  insert(value: Value): void {
    if (value === null) return;
    const at = this.find(value);
    if (this.isAt(at, value)) {
      this.counts[at]!++;
      return;
    }
    this.values.splice(at, 0, value);
    this.counts.splice(at, 0, 1);
  }

  retract(value: Value): boolean {
    if (value === null) return true;
    const at = this.find(value);
    if (!this.isAt(at, value)) return false;
    if (--this.counts[at]! === 0) {
      this.values.splice(at, 1);
      this.counts.splice(at, 1);
    }
    return true;
  }

  result(): Value {
    return (this.largest ? this.values.at(-1) : this.values[0]) ?? null;
  }

  write(out: ByteWriter): void {
    out.varint(this.values.length);
    this.values.forEach((value, i) => {
      writeValue(out, value, this.type);
      out.varint(this.counts[i]!);
    });
  }

  read(from: ByteReader): void {
    for (let rest = from.varint(); rest > 0; rest--) {
      this.values.push(readValue(from, this.type));
      this.counts.push(from.varint());
    }
  }

  private isAt(at: number, value: NonNullable<Value>): boolean {
    const found = this.values[at];
    return found !== undefined && compareValues(found, value) === 0;
  }

  /** Where the value is, or would stand. */
  private find(value: NonNullable<Value>): number {
    let low = 0;
    let high = this.values.length;
    // Most values of a stream are newest or largest: look at the end first.
    if (high > 0 && compareValues(this.values[high - 1]!, value) < 0) return high;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareValues(this.values[middle]!, value) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
