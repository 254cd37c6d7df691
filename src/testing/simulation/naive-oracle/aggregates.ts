/** What an aggregate gives over the rows of a window: recounted from all of them, exactly. */
import { evaluate } from './expressions.ts';
import { byTime, compare, counted, eventTime_us, sorted } from './order.ts';
import { add, divide, multiply, nearest, nearestRoot, rationalOf, subtract, type Rational } from './rational.ts';
import type { AggregateSpec, ColumnSpec, ExpressionSpec, OracleRow, Result, Scalar, TableSpec } from './spec.ts';

/**
 * @param rows those of the window for which the feature's condition holds.
 * @returns null where there is no value: SQL's null.
 */
export function aggregate(spec: AggregateSpec, table: TableSpec, rows: readonly OracleRow[], asOf_us: number): Result {
  switch (spec.function) {
    case 'count':
      return BigInt(rows.length);
    case 'timeSinceLast': {
      const newest_us = Math.max(...rows.map((row) => eventTime_us(table, row)));
      return rows.length === 0 ? null : (asOf_us - newest_us) / 1e6;
    }
    default:
      return aggregateValues(spec, valuesOf(spec.value, table, rows), scaleOf(spec.value, table));
  }
}

/** Nulls do not count. In the order of (event time, primary key). */
function valuesOf(value: ExpressionSpec, table: TableSpec, rows: readonly OracleRow[]): Scalar[] {
  return byTime(table, rows).flatMap((row) => evaluate(value, row) ?? []);
}

/** How many digits a value's runtime form has behind the point; null for doubles. */
function scaleOf(value: ExpressionSpec, table: TableSpec): number | null {
  if (value.op !== 'column') return 0;
  const { type } = table.columns.find(({ name }: ColumnSpec) => name === value.name)!;
  if (type.kind === 'decimal') return type.scale;
  return type.kind === 'float64' ? null : 0;
}

function aggregateValues(
  spec: Exclude<AggregateSpec, { function: 'count' | 'timeSinceLast' }>,
  values: readonly Scalar[],
  scale: number | null,
): Result {
  switch (spec.function) {
    case 'countOf':
      return BigInt(values.length);
    case 'distinctCount':
    case 'approxDistinctCount':
      return BigInt(counted(values).length);
    case 'histogram':
      return values.length === 0 ? [] : bucketsOf(values, spec.bounds);
    case 'firstN':
      return values.slice(0, spec.limit);
    case 'lastN':
      return [...values].reverse().slice(0, spec.limit);
    case 'lastDistinct':
      return newestDistinct(values).slice(0, spec.limit);
    case 'topK':
      return counted(values)
        .sort((a, b) => b.count - a.count || compare(a.value, b.value))
        .slice(0, spec.limit)
        .map(({ value }) => value);
    case 'topValues':
      return sorted(values).reverse().slice(0, spec.limit);
    case 'bottomValues':
      return sorted(values).slice(0, spec.limit);
    default:
      return values.length === 0 ? null : aggregateSome(spec, values, scale);
  }
}

/** Null where there is no value. */
type SomeFunction = 'sum' | 'mean' | 'variance' | 'stddev' | 'ratio' | 'min' | 'max' | 'first' | 'last' | 'percentile';

function aggregateSome(
  spec: Extract<AggregateSpec, { function: SomeFunction }>,
  values: readonly Scalar[],
  scale: number | null,
): Result {
  switch (spec.function) {
    case 'min':
      return sorted(values)[0]!;
    case 'max':
      return sorted(values).at(-1)!;
    case 'first':
      return values[0]!;
    case 'last':
      return values.at(-1)!;
    case 'ratio':
      return values.filter((value) => value === true).length / values.length;
    case 'percentile':
      return asDouble(sorted(values)[Math.max(1, Math.ceil(spec.fraction * values.length)) - 1]!, scale);
    case 'sum':
      return sumOf(values, scale);
    case 'mean':
      return meanOf(values, scale);
    case 'variance':
    case 'stddev':
      return spreadOf(spec, values, scale);
  }
}

function bucketsOf(values: readonly Scalar[], bounds: readonly Scalar[]): Scalar[] {
  const edges = [null, ...bounds];
  return edges.map((from, i) => {
    const to = edges[i + 1] ?? null;
    const inside = values.filter(
      (value) => (from === null || compare(value, from) >= 0) && (to === null || compare(value, to) < 0),
    );
    return BigInt(inside.length);
  });
}

function newestDistinct(values: readonly Scalar[]): Scalar[] {
  const found: Scalar[] = [];
  for (const value of [...values].reverse()) {
    if (!found.some((other) => compare(other, value) === 0)) found.push(value);
  }
  return found;
}

export const asDouble = (value: Scalar, scale: number | null): number =>
  scale === null ? (value as number) : nearest(exactly(value, scale));

function exactly(value: Scalar, scale: number | null): Rational {
  if (scale === null) return rationalOf(value as number);
  return { numerator: BigInt(value), denominator: 10n ** BigInt(scale) };
}

/** What no finite arithmetic gives: as IEEE 754 has it, in any order. Null when all are finite. */
function notFinite(values: readonly Scalar[]): number | null {
  const wild = values.filter((value) => typeof value === 'number' && !Number.isFinite(value)) as number[];
  return wild.length === 0 ? null : wild.reduce((sum, value) => sum + value);
}

const exactSum = (values: readonly Scalar[], scale: number | null): Rational =>
  values.map((value) => exactly(value, scale)).reduce(add);

/** Of whole numbers and decimals as they are, in units of their last digit. */
function sumOf(values: readonly Scalar[], scale: number | null): Scalar {
  if (scale !== null)
    return values.map((value) => BigInt(value as bigint | number)).reduce((sum, value) => sum + value);
  return notFinite(values) ?? nearest(exactSum(values, null));
}

const meanOf = (values: readonly Scalar[], scale: number | null): number =>
  notFinite(values) ?? nearest(divide(exactSum(values, scale), BigInt(values.length)));

/** Of one value there is no sample variance. */
function spreadOf(
  { function: name, population }: { readonly function: 'variance' | 'stddev'; readonly population: boolean },
  values: readonly Scalar[],
  scale: number | null,
): number | null {
  const n = BigInt(values.length);
  const degrees = population ? n : n - 1n;
  if (degrees === 0n) return null;
  if (notFinite(values) !== null) return NaN;
  const mean = divide(exactSum(values, scale), n);
  const squares = values.map((value) => {
    const distance = subtract(exactly(value, scale), mean);
    return multiply(distance, distance);
  });
  const variance = divide(squares.reduce(add), degrees);
  return name === 'variance' ? nearest(variance) : nearestRoot(variance);
}
