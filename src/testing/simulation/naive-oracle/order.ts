/** The orders of values: text by code points, NaN above all numbers and equal to itself. */
import type { OracleRow, Scalar, TableSpec } from './spec.ts';

export function compare(a: Scalar, b: Scalar): number {
  if (a === b) return 0;
  // UTF-8 sorts as its code points do.
  if (typeof a === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b as string));
  if (typeof a === 'number') {
    const [isA, isB] = [Number.isNaN(a), Number.isNaN(b)];
    if (isA || isB) return Number(isA) - Number(isB);
  }
  return Number(a > b) - Number(a < b);
}

export const sorted = (values: readonly Scalar[]): Scalar[] => [...values].sort(compare);

/** Each value once, in the order of values, with how often it is there. */
export function counted(values: readonly Scalar[]): { readonly value: Scalar; readonly count: number }[] {
  const runs: { value: Scalar; count: number }[] = [];
  for (const value of sorted(values)) {
    const last = runs.at(-1);
    if (last !== undefined && compare(last.value, value) === 0) last.count++;
    else runs.push({ value, count: 1 });
  }
  return runs;
}

export const eventTime_us = (table: TableSpec, row: OracleRow): number => Number(row[table.eventTime]);

/** By event time, and among equal ones by the parts of the primary key: never by arrival. */
export function byTime(table: TableSpec, rows: readonly OracleRow[]): OracleRow[] {
  const order = (a: OracleRow, b: OracleRow): number => {
    const time = eventTime_us(table, a) - eventTime_us(table, b);
    if (time !== 0) return time;
    for (const part of table.primaryKey) {
      const difference = compare(a[part]!, b[part]!);
      if (difference !== 0) return difference;
    }
    return 0;
  };
  return [...rows].sort(order);
}
