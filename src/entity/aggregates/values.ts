import type { ColumnType, Scalar, Value } from '../../define/column.ts';
import { compareValues } from '../../define/compare.ts';
import type { ByteReader, ByteWriter } from '../../frames/bytes.ts';
import type { Aggregate, PaneChanges, RowOrder } from './aggregate.ts';
import { readScalars, removeScalars, writeScalars } from './multiset-codec.ts';
import { withoutNegativeZero } from './scalars.ts';
import { SortedMultiset } from './sorted-multiset.ts';

/** Which end of the order is enough, and how many of it, a value counted as often as it is there. */
interface Keep {
  readonly end: 'lowest' | 'highest';
  readonly limit: number;
}

/** The values themselves, in their order, each as often as it is there. A pane that holds as much as it may refuses new values. */
export class Values implements Aggregate {
  private readonly type: ColumnType;
  /** Null keeps all. */
  private readonly keep: Keep | null;
  /** The most distinct values. */
  private readonly capacity: number;
  private readonly values = new SortedMultiset<Scalar>(compareValues);

  constructor(type: ColumnType, keep: Keep | null, capacity: number) {
    this.type = type;
    this.keep = keep;
    this.capacity = capacity;
  }

  get isEmpty(): boolean {
    return this.values.total === 0;
  }

  insert(value: Value, at: RowOrder, changes: PaneChanges | null): void {
    if (value === null) return;
    const scalar = withoutNegativeZero(value as Scalar);
    const { values } = this;
    if (this.keep !== null && values.total >= this.keep.limit && !this.makeRoom(scalar, this.keep, at, changes)) return;
    if (values.distinct >= this.capacity && values.count(scalar) === 0) {
      changes?.overflow();
      return;
    }
    values.add(scalar);
    changes?.insert(scalar, at);
  }

  retract(value: Value, at: RowOrder, changes: PaneChanges | null): boolean {
    if (value === null) return true;
    const scalar = withoutNegativeZero(value as Scalar);
    if (this.values.remove(scalar) === 0) return false;
    changes?.retract(scalar, at);
    return true;
  }

  add(pane: Values): void {
    this.values.addAll(pane.values);
  }

  subtract(pane: Values): void {
    this.values.removeAll(pane.values);
  }

  write(out: ByteWriter): void {
    writeScalars(out, this.values, this.type);
  }

  read(from: ByteReader): void {
    readScalars(from, this.values, this.type);
  }

  /** {@link subtract} of what a pane wrote. */
  subtractWritten(from: ByteReader): void {
    removeScalars(from, this.values, this.type);
  }

  min(): Scalar | null {
    return this.values.first ?? null;
  }

  max(): Scalar | null {
    return this.values.last ?? null;
  }

  distinctCount(): bigint {
    return BigInt(this.values.distinct);
  }

  /** Largest first; a value as often as it is there. */
  top(limit: number): Scalar[] {
    return this.values.lastItems(limit);
  }

  /** Smallest first; a value as often as it is there. */
  bottom(limit: number): Scalar[] {
    return this.values.firstItems(limit);
  }

  /** Drops the value of least use of a full pane. @returns false when the new one is of less use still. */
  private makeRoom(value: Scalar, keep: Keep, at: RowOrder, changes: PaneChanges | null): boolean {
    const { values } = this;
    const lowest = keep.end === 'lowest';
    const worst = (lowest ? values.last : values.first)!;
    const order = compareValues(value, worst);
    if (lowest ? order >= 0 : order <= 0) return false;
    if (lowest) values.removeLast();
    else values.removeFirst();
    changes?.retract(worst, at);
    return true;
  }
}
