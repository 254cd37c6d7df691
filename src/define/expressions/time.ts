/** All in UTC. An infinite timestamp has no hour, no day, and no distance. */
import type { TimeKind } from '../column.ts';
import { call, type Expression } from '../expression.ts';
import type { TruncationUnit } from '../functions/time.ts';

/**
 * The hour of the day in UTC, 0 to 23; null for an infinite timestamp.
 * @example count(tx, { where: lt(hourOf(tx.transaction_time), 6) })
 */
export const hourOf = <Timed extends boolean>(time: Expression<TimeKind, Timed>): Expression<'int32', Timed> =>
  call('hourOf', time);
/**
 * The day of the week in UTC: 0 is Sunday, 6 Saturday; null for an infinite timestamp.
 * @example count(tx, { where: inList(dayOfWeek(tx.transaction_time), [0, 6]) })
 */
export const dayOfWeek = <Timed extends boolean>(time: Expression<TimeKind, Timed>): Expression<'int32', Timed> =>
  call('dayOfWeek', time);
/**
 * The beginning, in UTC, of the minute, hour, day, week (Monday), month or year.
 * @example distinctCount(truncateTo(visit.at, 'day')).over(sliding('30d'))
 */
export const truncateTo = <K extends TimeKind, Timed extends boolean>(
  time: Expression<K, Timed>,
  unit: TruncationUnit,
): Expression<K, Timed> => call('truncateTo', time, unit);
/**
 * Seconds from the first to the second, below 0 if that is earlier; null if one is infinite.
 * @example mean(secondsBetween(order.placed_at, order.shipped_at)).over(sliding('7d'))
 */
export const secondsBetween = <Timed extends boolean>(
  from: Expression<TimeKind, Timed>,
  to: Expression<TimeKind, Timed>,
): Expression<'float64', Timed> => call('secondsBetween', from, to);
