import type { Column, Kind } from '../column.ts';
import {
  and,
  call,
  expression,
  ge,
  le,
  nodeOf,
  type Condition,
  type Expression,
  type Literal,
  type Operand,
} from '../expression.ts';
import type { LiteralValue } from '../literal.ts';

/**
 * A constant with its type, where no column beside it tells that.
 * @example caseWhen([[isNull(tx.fee), literal(decimal(12, 2), '0.00')]], tx.fee)
 */
export function literal<K extends Kind>(type: Column<K>, value: Literal<NoInfer<K>>): Expression<K, never, false> {
  return expression({ op: 'literal', value: value, type: type.type });
}

/**
 * The first that is not null. With a literal at the end it is never null.
 * @example distinctCount(coalesce(tx.location, 'unknown')).over(sliding('1d'))
 */
export function coalesce<K extends Kind, Timed extends boolean>(
  value: Expression<K, Timed>,
  ...more: [...Expression<NoInfer<K>, Timed>[], Literal<NoInfer<K>>]
): Expression<K, Timed, false>;
export function coalesce<K extends Kind, Timed extends boolean>(
  value: Expression<K, Timed>,
  ...more: Expression<NoInfer<K>, Timed>[]
): Expression<K, Timed>;
export function coalesce(value: Expression, ...more: (Expression | LiteralValue)[]): Expression {
  return call('coalesce', value, ...more);
}

/** The kind of literals without a column beside them. */
type KindOfLiteral<V extends LiteralValue> = V extends string
  ? 'text'
  : V extends boolean
    ? 'boolean'
    : V extends bigint
      ? 'int64'
      : 'float64';

type Branch<Timed extends boolean, V> = readonly [Condition<Timed>, V];

/**
 * The value of the first condition that holds, else the other; null counts as not. Literals take the type of the alternatives that have
 * one; where none has, numbers are doubles, and those with an `n` integers of 64 bits.
 * @example caseWhen([[gt(tx.amount, '1000.00'), 'large'], [gt(tx.amount, '100.00'), 'medium']], 'small')
 */
export function caseWhen<V extends LiteralValue, Timed extends boolean>(
  branches: readonly Branch<Timed, V>[],
  otherwise: V | null,
): Expression<KindOfLiteral<V>, Timed>;
export function caseWhen<K extends Kind, Timed extends boolean>(
  branches: readonly Branch<Timed, Operand<NoInfer<K>, Timed>>[],
  otherwise: Expression<K, Timed>,
): Expression<K, Timed>;
export function caseWhen<K extends Kind, Timed extends boolean>(
  branches: readonly Branch<Timed, Expression<K, Timed> | Literal<NoInfer<K>>>[],
  otherwise: Literal<NoInfer<K>> | null,
): Expression<K, Timed>;
export function caseWhen(
  branches: readonly Branch<boolean, Expression | LiteralValue>[],
  otherwise: Expression | LiteralValue | null,
): Expression {
  return expression({
    op: 'case',
    branches: branches.map(([when, then]) => ({ when: when.node, then: nodeOf(then) })),
    otherwise: otherwise === null ? null : nodeOf(otherwise),
  });
}

/**
 * `low <= value and value <= high`
 * @example count(tx, { where: between(tx.amount, '10.00', '20.00') })
 */
export const between = <K extends Kind, Timed extends boolean>(
  value: Expression<K, Timed>,
  low: Operand<NoInfer<K>, Timed>,
  high: Operand<NoInfer<K>, Timed>,
): Condition<Timed> => and(ge(value, low), le(value, high));

/**
 * It is one of these values; null if it is null.
 * @example count(tx, { where: inList(tx.status, ['ok', 'settled']) })
 */
export const inList = <K extends Kind, Timed extends boolean>(
  value: Expression<K, Timed>,
  list: readonly Literal<NoInfer<K>>[],
): Condition<Timed> => call('inList', value, ...(list as readonly LiteralValue[]));
