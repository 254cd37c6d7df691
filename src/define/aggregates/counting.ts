import { aggregate, type Aggregate, type AggregateOptions, type InputReference } from '../aggregate.ts';
import type { Kind } from '../column.ts';
import type { Condition, Expression } from '../expression.ts';

/**
 * The number of rows, or of values that are not null; 0 when there is none.
 * @example count(tx, { where: eq(tx.status, 'ok') }).over(tumbling('5m'))
 */
export function count<Timed extends boolean>(
  of: InputReference<Timed> | Expression<Kind, Timed>,
  options: AggregateOptions = {},
): Aggregate<'int64', false, Timed> {
  return aggregate({ function: 'count' }, of, options, false);
}

/**
 * How many different values; 0 when there is none. Exact.
 * @example distinctCount(tx.merchant).over(sliding('7d'))
 */
export function distinctCount<Timed extends boolean>(
  value: Expression<Kind, Timed>,
  options: AggregateOptions = {},
): Aggregate<'int64', false, Timed> {
  return aggregate({ function: 'distinctCount' }, value, options, false);
}

/** What may be said of {@link approxDistinctCount}. */
export interface ApproxDistinctCountOptions extends AggregateOptions {
  /** 2^precision registers, 4 to 16: the standard error is 1.04 / √(2^precision). Default 12: 1.6 %. */
  readonly precision?: number;
}

/**
 * About how many different values, by HyperLogLog: for more than fit into memory. Only of append-only tables, since it cannot take a row
 * back; of others the definition is refused. Registers: Flajolet, Fusy, Gandouet, Meunier, "HyperLogLog", 2007; estimator: Ertl, "New
 * cardinality estimation algorithms for HyperLogLog sketches", 2017, algorithm 6.
 * @example approxDistinctCount(view.page, { precision: 14 }).over(tumbling('1d'))
 */
export function approxDistinctCount<Timed extends boolean>(
  value: Expression<Kind, Timed>,
  options: ApproxDistinctCountOptions = {},
): Aggregate<'int64', false, Timed> {
  return aggregate({ function: 'approxDistinctCount', precision: options.precision ?? 12 }, value, options, false);
}

/**
 * Of the rows for which the condition is true or false, the share for which it is true: from 0 to 1; null when there is none.
 * @example ratio(eq(tx.status, 'declined')).over(sliding('1h'))
 */
export function ratio<Timed extends boolean>(
  condition: Condition<Timed>,
  options: AggregateOptions = {},
): Aggregate<'float64', true, Timed> {
  return aggregate({ function: 'ratio' }, condition, options, true);
}

/**
 * The values that come most often, most frequent first, equally frequent ones in the order of values. Exact.
 * @param options `k`: how many at most, 1 to 1,000.
 * @example topK(tx.merchant, { k: 3 }).over(sliding('30d'))
 */
export function topK<K extends Kind, Timed extends boolean>(
  value: Expression<K, Timed>,
  options: AggregateOptions & { readonly k: number },
): Aggregate<`list<${K}>`, false, Timed> {
  return aggregate({ function: 'topK', limit: options.k }, value, options, false);
}
