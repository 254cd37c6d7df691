/** Text is made of Unicode code points. */
import { call, type Condition, type Expression, type Operand } from '../expression.ts';

type Text<Timed extends boolean> = Expression<'text', Timed>;

/** In small letters. Beyond ASCII the database may do it otherwise. */
export const lower = <Timed extends boolean>(value: Text<Timed>): Text<Timed> => call('lower', value);
/** In capital letters. Beyond ASCII the database may do it otherwise. */
export const upper = <Timed extends boolean>(value: Text<Timed>): Text<Timed> => call('upper', value);
/** Without the spaces (U+0020) at both ends. */
export const trim = <Timed extends boolean>(value: Text<Timed>): Text<Timed> => call('trim', value);
/** How many code points. */
export const length = <Timed extends boolean>(value: Text<Timed>): Expression<'int32', Timed> => call('length', value);
/** One behind the other; null if one is null. */
export const concat = <Timed extends boolean>(
  first: Text<Timed>,
  ...more: readonly Operand<'text', Timed>[]
): Text<Timed> => call('concat', first, ...more);
/**
 * A part of the text.
 * @param start the first character is 1.
 * @param count how many characters.
 * @example substring(card.number, 1, 6)
 */
export const substring = <Timed extends boolean>(value: Text<Timed>, start: number, count: number): Text<Timed> =>
  call('substring', value, start, count);
/** It begins with this. */
export const startsWith = <Timed extends boolean>(
  value: Text<Timed>,
  prefix: Operand<'text', Timed>,
): Condition<Timed> => call('startsWith', value, prefix);
/** This is somewhere in it. */
export const contains = <Timed extends boolean>(value: Text<Timed>, part: Operand<'text', Timed>): Condition<Timed> =>
  call('contains', value, part);
