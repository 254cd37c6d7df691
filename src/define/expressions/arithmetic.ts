/**
 * Arithmetic, exact for integers and decimals. What does not fit (64 bits; 38 digits) is null, as is what is divided by zero. Integers
 * give int64, with a decimal a decimal, with a double a double.
 */
import type { Kind, NumericKind } from '../column.ts';
import { call, type Expression, type Literal } from '../expression.ts';

/** A number's expression, or a number as it is written beside one of kind `K`. */
type NumberBeside<K extends NumericKind, B extends NumericKind, Timed extends boolean> =
  Expression<B, Timed> | Literal<K>;

/** What two numbers give. */
type Common<A extends Kind, B extends Kind> = 'float64' extends A | B
  ? 'float64'
  : 'decimal' extends A | B
    ? 'decimal'
    : 'int64';

function operation(name: 'add' | 'sub' | 'mul' | 'mod') {
  return <A extends NumericKind, Timed extends boolean, B extends NumericKind = A>(
    left: Expression<A, Timed>,
    right: NumberBeside<NoInfer<A>, B, Timed>,
  ): Expression<Common<A, B>, Timed> => call(name, left, right);
}

/**
 * `left + right`. Decimals keep the most digits behind the point that either has. Null if one is null, or the result does not fit.
 * @example sum(add(tx.amount, tx.fee)).over(sliding('1h'))
 */
export const add = operation('add');
/**
 * `left - right`. Decimals keep the most digits behind the point that either has. Null if one is null, or the result does not fit.
 * @example max(sub(tx.amount, tx.fee)).over(sliding('1h'))
 */
export const sub = operation('sub');
/**
 * `left * right`. Decimals have as many digits behind the point as both together. Null if one is null, or the result does not fit.
 * @example sum(mul(item.price, item.quantity)).over(sliding('1h'))
 */
export const mul = operation('mul');
/**
 * The rest of a division, with the sign of `left`; null when `right` is 0.
 * @example count(tx, { where: eq(mod(tx.transaction_id, 100), 0) })
 */
export const mod = operation('mod');

/**
 * `left / right` as a double: both become the nearest double first. Null when `right` is 0.
 * @example div(f.spend_last_hour, f.transaction_count_last_hour)
 */
export const div = <A extends NumericKind, Timed extends boolean, B extends NumericKind = A>(
  left: Expression<A, Timed>,
  right: NumberBeside<NoInfer<A>, B, Timed>,
): Expression<'float64', Timed> => call('div', left, right);

type Signed<K extends NumericKind> = K extends 'int32' ? 'int64' : K;

function sign(name: 'neg' | 'abs') {
  return <K extends NumericKind, Timed extends boolean>(value: Expression<K, Timed>): Expression<Signed<K>, Timed> =>
    call(name, value);
}

/**
 * `-value`. Of an int32 an int64; null when it does not fit.
 * @example sum(neg(refund.amount)).over(sliding('1h'))
 */
export const neg = sign('neg');
/**
 * The value without its sign. Of an int32 an int64; null when it does not fit.
 * @example max(abs(entry.amount)).over(sliding('1h'))
 */
export const abs = sign('abs');
