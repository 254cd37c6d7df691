/** Aggregates that give values back as they are, in the order of values. */
import { aggregate, type Aggregate, type AggregateOptions } from '../aggregate.ts';
import type { Kind } from '../column.ts';
import type { Expression } from '../expression.ts';

function extreme(name: 'min' | 'max') {
  return <K extends Kind, Timed extends boolean>(
    value: Expression<K, Timed>,
    options: AggregateOptions = {},
  ): Aggregate<K, true, Timed> => aggregate({ function: name }, value, options, true);
}

/**
 * The smallest value that is not null; null when there is none. Text goes by code point, NaN is above all numbers.
 * @example min(tx.amount).over(tumbling('1h'))
 */
export const min = extreme('min');
/**
 * The largest value that is not null; null when there is none. Text goes by code point, NaN is above all numbers.
 * @example max(tx.transaction_time).over(tumbling('5m'))
 */
export const max = extreme('max');

/** What is said of an aggregate that gives a list. */
export interface LimitOptions extends AggregateOptions {
  /** The most values, 1 to 1,000. */
  readonly limit: number;
}

function extremes(name: 'topValues' | 'bottomValues') {
  return <K extends Kind, Timed extends boolean>(
    value: Expression<K, Timed>,
    options: LimitOptions,
  ): Aggregate<`list<${K}>`, false, Timed> =>
    aggregate({ function: name, limit: options.limit }, value, options, false);
}

/**
 * The largest values, largest first, each as often as it is there.
 * @example topValues(tx.amount, { limit: 3 }).over(sliding('7d'))
 */
export const topValues = extremes('topValues');
/**
 * The smallest values, smallest first, each as often as it is there.
 * @example bottomValues(tx.amount, { limit: 3 }).over(sliding('7d'))
 */
export const bottomValues = extremes('bottomValues');
