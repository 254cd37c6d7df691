/** A value of a row, with the row's place among all. */
import type { ColumnType, Scalar } from '../../define/column.ts';
import { compareValues } from '../../define/predicate.ts';
import type { ByteReader, ByteWriter } from '../../frames/bytes.ts';
import type { RowOrder } from './aggregate.ts';
import { readScalar, readTagged, writeScalar, writeTagged } from './scalar-codec.ts';

export class RowValue {
  readonly value: Scalar;
  readonly at: RowOrder;

  constructor(value: Scalar, at: RowOrder) {
    this.value = value;
    this.at = at;
  }
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

/** By row. Values of one row differ only between its retraction and its return, which may come in either order. */
export function compareByRow(a: RowValue, b: RowValue): number {
  const order = compareOrder(a.at, b.at);
  return order !== 0 ? order : compareValues(a.value, b.value);
}

/** By value, those of one value by row. */
export function compareByValue(a: RowValue, b: RowValue): number {
  const order = compareValues(a.value, b.value);
  return order !== 0 ? order : compareOrder(a.at, b.at);
}

/** @param before the event time of the one before: its distance is written. */
export function writeRowOrder(out: ByteWriter, at: RowOrder, before_us: number): void {
  out.zigzag(at.eventTime_us - before_us);
  out.varint(at.primaryKey.length);
  for (const part of at.primaryKey) writeTagged(out, part);
}

export function readRowOrder(from: ByteReader, before_us: number): RowOrder {
  const eventTime_us = before_us + from.zigzag();
  const primaryKey: Scalar[] = [];
  for (let rest = from.varint(); rest > 0; rest--) primaryKey.push(readTagged(from));
  return { eventTime_us, primaryKey };
}

export function writeRowValue(out: ByteWriter, row: RowValue, type: ColumnType, before_us: number): void {
  writeRowOrder(out, row.at, before_us);
  writeScalar(out, row.value, type);
}

export function readRowValue(from: ByteReader, type: ColumnType, before_us: number): RowValue {
  const at = readRowOrder(from, before_us);
  return new RowValue(readScalar(from, type), at);
}
