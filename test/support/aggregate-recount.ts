/** What the rows of a window give, counted anew from all of them: sorted, cut and added up as fractions. */
import type { Scalar, Value } from '../../src/define/column.ts';
import type { ResultPlan } from '../../src/define/plan.ts';
import { fractionOf, nearestDouble, nearestRoot, plus, times, type Fraction } from './exact-doubles.ts';

export interface CountedRow {
  readonly value: Value;
  readonly at: { readonly eventTime_us: number; readonly primaryKey: readonly Scalar[] };
}

type Known = CountedRow & { readonly value: Scalar };

/** Text by its UTF-8 bytes, NaN above all. */
export function orderOf(a: Scalar, b: Scalar): number {
  if (typeof a === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b as string));
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  return a < b ? -1 : a > b ? 1 : 0;
}

function rowOrder(a: Known, b: Known): number {
  const keys = a.at.primaryKey.map((part, i) => orderOf(part, b.at.primaryKey[i]!));
  const orders = [a.at.eventTime_us - b.at.eventTime_us, ...keys, orderOf(a.value, b.value)];
  return orders.find((order) => order !== 0) ?? 0;
}

const isDistinct = (value: Scalar, i: number, all: readonly Scalar[]): boolean =>
  all.findIndex((other) => orderOf(other, value) === 0) === i;

export function recount(
  result: ResultPlan,
  rows: readonly CountedRow[],
  asOf_us: number,
  bounds: readonly Scalar[],
): Value {
  const known = rows.filter((row): row is Known => row.value !== null).sort(rowOrder);
  const values = known.map(({ value }) => (value === 0 ? 0 : value));
  const sorted = values.toSorted(orderOf);
  switch (result.function) {
    case 'count':
      return BigInt(values.length);
    case 'distinctCount':
      return BigInt(values.filter(isDistinct).length);
    case 'topK':
      return sorted
        .filter(isDistinct)
        .map((value) => ({ value, count: values.filter((other) => orderOf(other, value) === 0).length }))
        .sort((a, b) => b.count - a.count)
        .map(({ value }) => value)
        .slice(0, result.limit);
    case 'topValues':
      return sorted.reverse().slice(0, result.limit);
    case 'bottomValues':
      return sorted.slice(0, result.limit);
    case 'firstN':
      return values.slice(0, result.limit);
    case 'lastN':
      return values.reverse().slice(0, result.limit);
    case 'lastDistinct':
      return values.reverse().filter(isDistinct).slice(0, result.limit);
    case 'histogram':
      return values.length === 0 ? [] : bucketsOf(values, bounds);
    case 'timeSinceLast':
      return known.length === 0 ? null : (asOf_us - known.at(-1)!.at.eventTime_us) / 1e6;
    default:
      return values.length === 0 ? null : recountSome(result, values, sorted);
  }
}

function bucketsOf(values: readonly Scalar[], bounds: readonly Scalar[]): Scalar[] {
  const atLeast = (bound: Scalar): number => values.filter((value) => orderOf(value, bound) >= 0).length;
  const reached = [values.length, ...bounds.map(atLeast), 0];
  return reached.slice(0, -1).map((count, i) => BigInt(count - reached[i + 1]!));
}

function recountSome(result: ResultPlan, values: readonly Scalar[], sorted: readonly Scalar[]): Value {
  const scale = 'scale' in result ? result.scale : null;
  switch (result.function) {
    case 'min':
      return sorted[0]!;
    case 'max':
      return sorted.at(-1)!;
    case 'first':
      return values[0]!;
    case 'last':
      return values.at(-1)!;
    case 'ratio':
      return values.filter(Boolean).length / values.length;
    case 'percentile':
      return doubleOf(sorted[Math.max(1, Math.ceil(result.fraction * values.length)) - 1]!, scale);
    case 'sum':
      if (scale !== null)
        return within38Digits(values.map((value) => BigInt(value)).reduce((sum, value) => sum + value));
      return notFinite(values) ?? nearestDouble(sumOf(values, scale));
    case 'mean':
      return notFinite(values) ?? nearestDouble(per(sumOf(values, scale), values.length));
    default:
      return spreadOf(result as Extract<ResultPlan, { population: boolean }>, values);
  }
}

const doubleOf = (value: Scalar, scale: number | null): number =>
  typeof value === 'number' && !Number.isFinite(value) ? value : nearestDouble(exactly(value, scale));

const exactly = (value: Scalar, scale: number | null): Fraction =>
  typeof value === 'bigint'
    ? { numerator: value, denominator: 10n ** BigInt(scale ?? 0) }
    : fractionOf(value as number);

const within38Digits = (sum: bigint): bigint | null => (String(sum).replace('-', '').length <= 38 ? sum : null);

const sumOf = (values: readonly Scalar[], scale: number | null): Fraction =>
  values.map((value) => exactly(value, scale)).reduce(plus);

const per = ({ numerator, denominator }: Fraction, divisor: number): Fraction => ({
  numerator,
  denominator: denominator * BigInt(divisor),
});

/** Null when all are finite. */
function notFinite(values: readonly Scalar[]): number | null {
  const rest = values.filter((value) => typeof value === 'number' && !Number.isFinite(value));
  return rest.length === 0 ? null : (rest as number[]).reduce((sum, value) => sum + value);
}

/** From the distances to the mean, not from the sum of squares. */
function spreadOf(result: Extract<ResultPlan, { population: boolean }>, values: readonly Scalar[]): number | null {
  const degrees = result.population ? values.length : values.length - 1;
  if (degrees === 0) return null;
  if (notFinite(values) !== null) return Number.NaN;
  const mean = per(sumOf(values, result.scale), values.length);
  const squares = values.map((value) => {
    const distance = plus(exactly(value, result.scale), { ...mean, numerator: -mean.numerator });
    return times(distance, distance);
  });
  const variance = per(squares.reduce(plus), degrees);
  return result.function === 'variance' ? nearestDouble(variance) : nearestRoot(variance);
}
