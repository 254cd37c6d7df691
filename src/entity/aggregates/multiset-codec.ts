/** Multisets as bytes: how many distinct items and whether any is there more than once; then each, with its count if so. */
import type { ColumnType, Scalar } from '../../define/column.ts';
import type { ByteReader, ByteWriter } from '../../frames/bytes.ts';
import { readScalar, readStep, writeBigint, writeScalar, writeStep } from './scalar-codec.ts';
import type { SortedMultiset } from './sorted-multiset.ts';

export function writeMultiset<T>(out: ByteWriter, items: SortedMultiset<T>, write: (item: T) => void): void {
  const repeats = items.total > items.distinct;
  out.varint(items.distinct * 2 + (repeats ? 1 : 0));
  items.forEach((item, count) => {
    write(item);
    if (repeats) out.varint(count);
  });
}

export function readMultiset<T>(from: ByteReader, items: SortedMultiset<T>, read: () => T): void {
  const head = from.varint();
  const repeats = head % 2 === 1;
  for (let rest = Math.floor(head / 2); rest > 0; rest--) {
    const item = read();
    items.add(item, repeats ? from.varint() : 1);
  }
}

/** Integers by their distance from the one before. */
export function writeScalars(out: ByteWriter, values: SortedMultiset<Scalar>, type: ColumnType): void {
  let before: Scalar = 0;
  writeMultiset(out, values, (value) => {
    if (typeof value === 'bigint') writeBigint(out, typeof before === 'bigint' ? value - before : value);
    else if (type.kind === 'int32' || type.kind === 'date') out.zigzag((value as number) - (before as number));
    else writeScalar(out, value, type);
    before = value;
  });
}

export function readScalars(from: ByteReader, values: SortedMultiset<Scalar>, type: ColumnType): void {
  visitScalars(from, type, values, addTo);
}

/** Takes away what {@link writeScalars} wrote. */
export function removeScalars(from: ByteReader, values: SortedMultiset<Scalar>, type: ColumnType): void {
  visitScalars(from, type, values, removeFrom);
}

type Change = (values: SortedMultiset<Scalar>, value: Scalar, count: number) => void;
const addTo: Change = (values, value, count) => values.add(value, count);
const removeFrom: Change = (values, value, count) => values.remove(value, count);

function visitScalars(from: ByteReader, type: ColumnType, values: SortedMultiset<Scalar>, change: Change): void {
  const head = from.varint();
  const repeats = head % 2 === 1;
  let before: Scalar | null = null;
  for (let rest = Math.floor(head / 2); rest > 0; rest--) {
    const read = readScalar(from, type);
    if (before !== null && typeof read === 'bigint') before = read + (before as bigint);
    else if (before !== null && (type.kind === 'int32' || type.kind === 'date'))
      before = (read as number) + (before as number);
    else before = read;
    change(values, before, repeats ? from.varint() : 1);
  }
}

/** Numbers that are mostly whole, by their distance from the one before. */
export function writeNumbers(out: ByteWriter, values: SortedMultiset<number>): void {
  let before = 0;
  writeMultiset(out, values, (value) => {
    writeStep(out, value, before);
    before = value;
  });
}

export function readNumbers(from: ByteReader, values: SortedMultiset<number>): void {
  let before = 0;
  readMultiset(from, values, () => (before = readStep(from, before)));
}
