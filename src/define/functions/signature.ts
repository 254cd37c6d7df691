/** How a function of expressions is described: its types, its code and its SQL, side by side. */
import { describeType, type ColumnType, type Value } from '../column.ts';
import type { LiteralValue } from '../literal.ts';
import type { Row } from '../plan.ts';

export type Evaluate = (row: Row) => Value;

/** An argument before its type is settled: a bare literal has none yet. */
export interface Argument {
  readonly type: ColumnType | null;
  readonly literal: LiteralValue | null;
}

/** A function for arguments of certain types. */
export interface Signature {
  /** What the arguments are converted to, one each. */
  readonly parameters: readonly ColumnType[];
  readonly type: ColumnType;
  readonly compile: (terms: readonly Evaluate[]) => Evaluate;
  /** DuckDB's, of the arguments' SQL. */
  readonly sql: (terms: readonly string[]) => string;
}

/** @throws RangeError when it does not take such arguments. */
export type ScalarFunction = (terms: readonly Argument[]) => Signature;

/** Null if any argument is. */
export function strict(compute: (...values: never[]) => Value): Signature['compile'] {
  const of = compute as (...values: readonly Value[]) => Value;
  return (terms) => {
    const [first, second] = terms;
    if (terms.length === 1) {
      return (row) => {
        const value = first!(row);
        return value === null ? null : of(value);
      };
    }
    if (terms.length === 2) {
      return (row) => {
        const a = first!(row);
        const b = second!(row);
        return a === null || b === null ? null : of(a, b);
      };
    }
    return (row) => {
      const values = terms.map((term) => term(row));
      return values.includes(null) ? null : of(...values);
    };
  };
}

/**
 * The type that all can be converted to without loss: of one kind, decimals with the most digits on either side of the point. Bare
 * literals take it.
 * @param conflict what cannot be done with types that differ.
 * @throws RangeError when there is none.
 */
export function unify(types: readonly (ColumnType | null)[], conflict: string): ColumnType {
  const known = types.filter((type) => type !== null);
  if (known.length === 0)
    throw new RangeError('the type of literals alone is not known; write one as literal(int64(), 5)');
  return known.reduce((a, b) => {
    if (a.kind === 'decimal' && b.kind === 'decimal') return widerDecimal(a, b);
    if (a.kind === b.kind) return a;
    throw new RangeError(`a value of type ${describeType(a)} ${conflict} one of type ${describeType(b)}`);
  });
}

type Decimal = Extract<ColumnType, { kind: 'decimal' }>;

/** What is computed with is a 128-bit integer in DuckDB. */
export const mostDigits = 38;

export function widerDecimal(a: Decimal, b: Decimal): Decimal {
  const scale = Math.max(a.scale, b.scale);
  const precision = Math.max(a.precision - a.scale, b.precision - b.scale) + scale;
  const least = Math.max(a.precision, b.precision);
  return { kind: 'decimal', precision: Math.max(least, Math.min(mostDigits, precision)), scale };
}
