/** All in UTC. An infinite timestamp has no hour, no day, and no distance. */
import type { TimeKind } from '../column.ts';
import { call, type Expression } from '../expression.ts';
import type { TruncationUnit } from '../functions/time.ts';

/** 0 to 23. */
export const hourOf = <Timed extends boolean>(time: Expression<TimeKind, Timed>): Expression<'int32', Timed> =>
  call('hourOf', time);
/** 0 is Sunday, 6 Saturday. */
export const dayOfWeek = <Timed extends boolean>(time: Expression<TimeKind, Timed>): Expression<'int32', Timed> =>
  call('dayOfWeek', time);
/**
 * The beginning of the minute, hour, day, week (Monday), month or year.
 * @example distinctCount(truncateTo(visit.at, 'day')).over(sliding('30d'))
 */
export const truncateTo = <K extends TimeKind, Timed extends boolean>(
  time: Expression<K, Timed>,
  unit: TruncationUnit,
): Expression<K, Timed> => call('truncateTo', time, unit);
/** From the first to the second, below 0 if that is earlier. */
export const secondsBetween = <Timed extends boolean>(
  from: Expression<TimeKind, Timed>,
  to: Expression<TimeKind, Timed>,
): Expression<'float64', Timed> => call('secondsBetween', from, to);
