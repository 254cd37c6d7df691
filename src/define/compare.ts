import type { Value } from './column.ts';

/** The order of two values of one type: text by code point, as the C collation has it. NaN is equal to itself and above all, as in Postgres. */
export function compareValues(left: NonNullable<Value>, right: NonNullable<Value>): number {
  if (typeof left === 'string') return compareText(left, right as string);
  if (left === right) return 0;
  if (left !== left || right !== right) return left !== left ? (right !== right ? 0 : 1) : -1;
  return left < right ? -1 : left > right ? 1 : 0;
}

/** UTF-16 order differs from code-point order only where a surrogate meets a unit above the surrogates. */
function compareText(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let i = 0; i < length; i++) {
    const a = left.charCodeAt(i);
    const b = right.charCodeAt(i);
    if (a !== b) return codePointRank(a) - codePointRank(b);
  }
  return left.length - right.length;
}

function codePointRank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}
