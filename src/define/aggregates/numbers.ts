import { aggregate, type Aggregate, type AggregateOptions } from '../aggregate.ts';
import type { NumericKind } from '../column.ts';
import type { Expression, Literal } from '../expression.ts';

/** Sums need more room than what they are made of. */
type SumKind<K extends NumericKind> = K extends 'int32' ? 'int64' : K extends 'float64' ? 'float64' : 'decimal';

/**
 * The sum; null when there is no value. Exact: of int32 an int64, of int64 a decimal(38, 0), of decimal(p, s) a decimal(38, s); of
 * doubles the double nearest to the exact sum, in whatever order they came and went (Shewchuk, "Adaptive Precision Floating-Point Arithmetic
 * and Fast Robust Geometric Predicates", 1997).
 * @example sum(tx.amount).over(sliding('1h')).default('0.00')
 */
export function sum<K extends NumericKind, Timed extends boolean>(
  value: Expression<K, Timed>,
  options: AggregateOptions = {},
): Aggregate<SumKind<K>, true, Timed> {
  return aggregate({ function: 'sum' }, value, options, true);
}

/**
 * The arithmetic mean, the double nearest to it; null when there is no value.
 * @example mean(tx.amount).over(sliding('1h'))
 */
export function mean<Timed extends boolean>(
  value: Expression<NumericKind, Timed>,
  options: AggregateOptions = {},
): Aggregate<'float64', true, Timed> {
  return aggregate({ function: 'mean' }, value, options, true);
}

/** What may be said of {@link variance} and {@link stddev}. */
export interface SpreadOptions extends AggregateOptions {
  /** The values are the whole population, not a sample of it. Default false. */
  readonly population?: boolean;
}

function spread(name: 'variance' | 'stddev') {
  return <Timed extends boolean>(
    value: Expression<NumericKind, Timed>,
    options: SpreadOptions = {},
  ): Aggregate<'float64', true, Timed> =>
    aggregate({ function: name, population: options.population ?? false }, value, options, true);
}

/**
 * The variance, the double nearest to it; null when there are fewer than two values (of a population: none).
 * @example variance(tx.amount, { population: true }).over(sliding('1d'))
 */
export const variance = spread('variance');
/**
 * The standard deviation, the double nearest to it; null when there are fewer than two values (of a population: none).
 * @example stddev(tx.amount).over(sliding('1d'))
 */
export const stddev = spread('stddev');

/** What may be said of {@link percentile}. */
export interface PercentileOptions extends AggregateOptions {
  /** How many different values a pane keeps exactly, 1 to 10,000. Default 1,000. */
  readonly exactLimit?: number;
  /** How far a value of a pane beyond that may be off, relative to itself: from 0.001 to 0.1. Default 0.01. */
  readonly accuracy?: number;
}

/**
 * The smallest value that at least this fraction of all values do not exceed; null when there is no value. Exact while a pane has few
 * values, then by DDSketch (Masson, Rim, Lee, "DDSketch: A Fast and Fully-Mergeable Quantile Sketch with Relative-Error Guarantees", 2019).
 * Counts stay exact in either case, also when rows are taken back; a sketch rounds the values.
 * @param fraction from 0 (the smallest) to 1 (the largest).
 * @example percentile(tx.amount, 0.95).over(sliding('1d'))
 */
export function percentile<Timed extends boolean>(
  value: Expression<NumericKind, Timed>,
  fraction: number,
  options: PercentileOptions = {},
): Aggregate<'float64', true, Timed> {
  const { exactLimit = 1_000, accuracy = 0.01 } = options;
  return aggregate({ function: 'percentile', fraction, exactLimit, accuracy }, value, options, true);
}

/**
 * How many values are below the first bound, from each bound to below the next, and from the last on; an empty list when there is none.
 * @param bounds ascending, of the type of the values.
 * @example histogram(tx.amount, ['10.00', '100.00', '1000.00']).over(tumbling('1d'))
 */
export function histogram<K extends NumericKind, Timed extends boolean>(
  value: Expression<K, Timed>,
  bounds: readonly Literal<NoInfer<K>>[],
  options: AggregateOptions = {},
): Aggregate<'list<int64>', false, Timed> {
  return aggregate({ function: 'histogram', bounds }, value, options, false);
}
