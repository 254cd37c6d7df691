import type { Column, Kind, NumericKind, TypeOf, Value } from '../column.ts';
import { call, expression, type Expression, type Literal } from '../expression.ts';

/**
 * The nearest double.
 * @example histogram(toFloat64(tx.amount), [0.5, 2.5]).over(tumbling('1d'))
 */
export const toFloat64 = <Timed extends boolean>(value: Expression<NumericKind, Timed>): Expression<'float64', Timed> =>
  call('toFloat64', value);

/**
 * As it is stored online: decimals with all their digits, timestamps as ISO 8601 in UTC. Doubles have no text that is the same everywhere.
 * @example distinctCount(concat(tx.merchant, ' ', toText(tx.amount))).over(sliding('1d'))
 */
export const toText = <Timed extends boolean>(
  value: Expression<Exclude<Kind, 'float64'>, Timed>,
): Expression<'text', Timed> => call('toText', value);

/** The values of expressions, as their readers get them. */
type ValuesOf<Terms extends readonly Expression[]> = {
  [I in keyof Terms]: Terms[I] extends Expression<infer K> ? TypeOf<K> | null : never;
};

type TimedOf<Terms extends readonly Expression[]> = Terms[number] extends Expression<Kind, infer Timed> ? Timed : never;

/**
 * A plain function, where the language has no word for it. It must be pure: no clock, no randomness, no state. The definition's version
 * knows it by its name only: give it another when it computes something else. Two of one name are refused where their text differs; what a
 * function has closed over is not seen. Its feature has no SQL, and so is never proved.
 * @param type what it gives, as a column.
 * @throws RangeError at run time when it gives what is no value of the type; the task stops.
 * @example custom(text(), 'email domain v1', [user.email], (email) => email?.split('@')[1] ?? null)
 */
export function custom<K extends Kind, const Terms extends readonly Expression<Kind>[]>(
  type: Column<K>,
  name: string,
  terms: Terms,
  compute: (...values: ValuesOf<Terms>) => Literal<K> | null,
): Expression<K, TimedOf<Terms>> {
  return expression({
    op: 'custom',
    name,
    type: type.type,
    arguments: terms.map((term) => term.node),
    compute: compute as unknown as (...values: readonly Value[]) => unknown,
  });
}
