/** A value of a row, with the row's place among all. */
import type { ColumnType, Scalar } from '../../define/column.ts';
import { compareValues } from '../../define/compare.ts';
import type { ByteReader, ByteWriter } from '../../frames/bytes.ts';
import type { RowOrder } from './aggregate.ts';
import { readScalar, readStep, readTagged, writeScalar, writeStep, writeTagged } from './scalar-codec.ts';
import { withoutNegativeZero } from './scalars.ts';

export class RowValue implements RowOrder {
  readonly value: Scalar;
  readonly eventTime_us: number;
  readonly primaryKey: readonly Scalar[];

  constructor(value: Scalar, eventTime_us: number, primaryKey: readonly Scalar[]) {
    this.value = value;
    this.eventTime_us = eventTime_us;
    this.primaryKey = primaryKey;
  }
}

/** Keeps nothing else of the row alive. What a pane tells its windows is one already, which they share. */
export function rowValue(value: Scalar, at: RowOrder): RowValue {
  if (at instanceof RowValue) return at;
  return new RowValue(withoutNegativeZero(value), at.eventTime_us, at.primaryKey);
}

/** By event time, then primary key. */
export function compareOrder(a: RowOrder, b: RowOrder): number {
  if (a.eventTime_us !== b.eventTime_us) return a.eventTime_us < b.eventTime_us ? -1 : 1;
  const left = a.primaryKey;
  const right = b.primaryKey;
  for (let i = 0; i < left.length; i++) {
    const order = compareValues(left[i]!, right[i]!);
    if (order !== 0) return order;
  }
  return 0;
}

/** By row. One row has two values only between its return and its retraction. */
export function compareByRow(a: RowValue, b: RowValue): number {
  const order = compareOrder(a, b);
  return order !== 0 ? order : compareValues(a.value, b.value);
}

/** By value, and of one value by row. */
export function compareByValue(a: RowValue, b: RowValue): number {
  const order = compareValues(a.value, b.value);
  return order !== 0 ? order : compareOrder(a, b);
}

/** @param before_us the event time of the one before: the distance from it is written. */
export function writeRowOrder(out: ByteWriter, at: RowOrder, before_us: number): void {
  writeStep(out, at.eventTime_us, before_us);
  out.varint(at.primaryKey.length);
  for (const part of at.primaryKey) writeTagged(out, part);
}

export function readRowOrder(from: ByteReader, before_us: number): RowOrder {
  const eventTime_us = readStep(from, before_us);
  const primaryKey: Scalar[] = [];
  for (let rest = from.varint(); rest > 0; rest--) primaryKey.push(readTagged(from));
  return { eventTime_us, primaryKey };
}

export function writeRowValue(out: ByteWriter, row: RowValue, type: ColumnType, before_us: number): void {
  writeRowOrder(out, row, before_us);
  writeScalar(out, row.value, type);
}

export function readRowValue(from: ByteReader, type: ColumnType, before_us: number): RowValue {
  const { eventTime_us, primaryKey } = readRowOrder(from, before_us);
  return new RowValue(readScalar(from, type), eventTime_us, primaryKey);
}
