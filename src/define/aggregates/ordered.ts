/** Aggregates that go by the order of rows: event time, then primary key; never arrival. Only of tables with an event time. */
import { aggregate, type Aggregate, type AggregateOptions, type InputReference } from '../aggregate.ts';
import type { Kind } from '../column.ts';
import type { Expression } from '../expression.ts';
import type { LimitOptions } from './values.ts';

function end(name: 'first' | 'last') {
  return <K extends Kind>(value: Expression<K, true>, options: AggregateOptions = {}): Aggregate<K, true, true> =>
    aggregate({ function: name }, value, options, true);
}

/**
 * The oldest value that is not null; null when there is none.
 * @example first(tx.merchant).over(session('30m'))
 */
export const first = end('first');
/**
 * The newest value that is not null; null when there is none.
 * @example last(tx.location).over(unbounded())
 */
export const last = end('last');
/**
 * The newest value that is not null: another word for {@link last}.
 * @example latest(tx.location).over(unbounded())
 */
export const latest = end('last');

function ends(name: 'firstN' | 'lastN' | 'lastDistinct') {
  return <K extends Kind>(value: Expression<K, true>, options: LimitOptions): Aggregate<`list<${K}>`, false, true> =>
    aggregate({ function: name, limit: options.limit }, value, options, false);
}

/**
 * The oldest values that are not null, oldest first; an empty list when there is none.
 * @example firstN(page.path, { limit: 3 }).over(session('30m'))
 */
export const firstN = ends('firstN');
/**
 * The newest values that are not null, newest first; an empty list when there is none.
 * @example lastN(tx.amount, { limit: 10 }).over(sliding('7d'))
 */
export const lastN = ends('lastN');
/**
 * The newest different values that are not null, newest first; an empty list when there is none.
 * @example lastDistinct(login.location, { limit: 5 }).over(sliding('7d'))
 */
export const lastDistinct = ends('lastDistinct');

/**
 * Seconds from the newest row to T; null when there is none. It is as of the value's own T: it does not grow online while nothing is given
 * out.
 * @example timeSinceLast(tx, { where: eq(tx.status, 'declined') }).over(unbounded())
 */
export function timeSinceLast(
  input: InputReference<true>,
  options: AggregateOptions = {},
): Aggregate<'float64', true, true> {
  return aggregate({ function: 'timeSinceLast' }, input, options, true);
}
