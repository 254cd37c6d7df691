/** Text is made of Unicode code points. */
import { call, type Condition, type Expression, type Operand } from '../expression.ts';

type Text<Timed extends boolean> = Expression<'text', Timed>;

/**
 * In small letters. Beyond ASCII the database may do it otherwise.
 * @example distinctCount(lower(tx.merchant)).over(sliding('1d'))
 */
export const lower = <Timed extends boolean>(value: Text<Timed>): Text<Timed> => call('lower', value);
/**
 * In capital letters. Beyond ASCII the database may do it otherwise.
 * @example count(tx, { where: eq(upper(tx.currency), 'EUR') })
 */
export const upper = <Timed extends boolean>(value: Text<Timed>): Text<Timed> => call('upper', value);
/**
 * Without the spaces (U+0020) at both ends; other white space stays.
 * @example lastDistinct(trim(tx.location), { limit: 5 }).over(sliding('7d'))
 */
export const trim = <Timed extends boolean>(value: Text<Timed>): Text<Timed> => call('trim', value);
/**
 * How many code points.
 * @example max(length(comment.body)).over(sliding('1d'))
 */
export const length = <Timed extends boolean>(value: Text<Timed>): Expression<'int32', Timed> => call('length', value);
/**
 * One behind the other; null if one is null.
 * @example distinctCount(concat(tx.merchant, '/', tx.location)).over(sliding('1d'))
 */
export const concat = <Timed extends boolean>(
  first: Text<Timed>,
  ...more: readonly Operand<'text', Timed>[]
): Text<Timed> => call('concat', first, ...more);
/**
 * A part of the text, in code points.
 * @param start the first character is 1.
 * @param count how many characters.
 * @example substring(card.number, 1, 6)
 */
export const substring = <Timed extends boolean>(value: Text<Timed>, start: number, count: number): Text<Timed> =>
  call('substring', value, start, count);
/**
 * It begins with this, code point by code point.
 * @example count(tx, { where: startsWith(tx.merchant, 'air') })
 */
export const startsWith = <Timed extends boolean>(
  value: Text<Timed>,
  prefix: Operand<'text', Timed>,
): Condition<Timed> => call('startsWith', value, prefix);
/**
 * This is somewhere in it, code point by code point.
 * @example count(login, { where: contains(login.user_agent, 'bot') })
 */
export const contains = <Timed extends boolean>(value: Text<Timed>, part: Operand<'text', Timed>): Condition<Timed> =>
  call('contains', value, part);
