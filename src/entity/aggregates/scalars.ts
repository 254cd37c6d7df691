import type { Scalar } from '../../define/column.ts';

/** -0 is 0: they are equal, and equal values have the same bytes. */
export function withoutNegativeZero(value: Scalar): Scalar {
  return typeof value === 'number' ? value + 0 : value;
}

export function compareNumbers(a: number, b: number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
