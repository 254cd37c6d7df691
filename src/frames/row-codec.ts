/** A row as bytes: a bitmap of its nulls, then each value that is not null in its type's fixed form; of a list its length and its elements. */
import type { ColumnType, Scalar, Value, ValueType } from '../define/column.ts';
import type { ByteReader, ByteWriter } from './bytes.ts';

export function writeRow(out: ByteWriter, row: readonly Value[], types: readonly ValueType[]): void {
  for (let base = 0; base < types.length; base += 8) {
    let nulls = 0;
    for (let i = base; i < base + 8 && i < types.length; i++) if (row[i] === null) nulls |= 1 << (i - base);
    out.u8(nulls);
  }
  for (let i = 0; i < types.length; i++) {
    const value = row[i] ?? null;
    if (value !== null) writeValue(out, value, types[i]!);
  }
}

export function readRow(from: ByteReader, types: readonly ValueType[]): Value[] {
  const nulls = from.raw(Math.ceil(types.length / 8));
  const row = new Array<Value>(types.length);
  for (let i = 0; i < types.length; i++) {
    row[i] = (nulls[i >> 3]! & (1 << (i & 7))) !== 0 ? null : readValue(from, types[i]!);
  }
  return row;
}

/** Decimals of up to 18 digits fit into 64 bits. */
const isWide = (precision: number): boolean => precision > 18;

function writeValue(out: ByteWriter, value: NonNullable<Value>, type: ValueType): void {
  if (type.kind !== 'list') {
    writeScalar(out, value as Scalar, type);
    return;
  }
  const list = value as readonly Scalar[];
  out.varint(list.length);
  for (const element of list) writeScalar(out, element, type.element);
}

function writeScalar(out: ByteWriter, value: Scalar, type: ColumnType): void {
  switch (type.kind) {
    case 'int64':
    case 'timestamp':
    case 'timestamptz':
      out.i64(value as bigint);
      return;
    case 'int32':
    case 'date':
      out.i32(value as number);
      return;
    case 'float64':
      out.f64(value as number);
      return;
    case 'boolean':
      out.u8(value === true ? 1 : 0);
      return;
    case 'text':
      out.text(value as string);
      return;
    case 'decimal':
      if (isWide(type.precision)) out.text((value as bigint).toString(36));
      else out.i64(value as bigint);
      return;
  }
}

function readValue(from: ByteReader, type: ValueType): NonNullable<Value> {
  if (type.kind !== 'list') return readScalar(from, type);
  return Array.from({ length: from.varint() }, () => readScalar(from, type.element));
}

function readScalar(from: ByteReader, type: ColumnType): Scalar {
  switch (type.kind) {
    case 'int64':
    case 'timestamp':
    case 'timestamptz':
      return from.i64();
    case 'int32':
    case 'date':
      return from.i32();
    case 'float64':
      return from.f64();
    case 'boolean':
      return from.u8() === 1;
    case 'text':
      return from.text();
    case 'decimal':
      return isWide(type.precision) ? parseBase36(from.text()) : from.i64();
  }
}

function parseBase36(text: string): bigint {
  const negative = text.startsWith('-');
  let value = 0n;
  for (const digit of negative ? text.slice(1) : text) value = value * 36n + BigInt(parseInt(digit, 36));
  return negative ? -value : value;
}
