/**
 * Expressions are small typed trees, not closures: one tree gives the TypeScript type, the compiled code and the SQL.
 * Nulls as in SQL: a comparison with null is null, and a predicate that is null does not hold.
 */
import type { Kind, TypeOf } from './column.ts';

export type Comparison = 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge';

export type ExpressionNode =
  | { readonly op: 'column'; readonly input: string; readonly name: string }
  | { readonly op: 'literal'; readonly value: bigint | number | string | boolean }
  | { readonly op: Comparison; readonly left: ExpressionNode; readonly right: ExpressionNode }
  | { readonly op: 'and' | 'or'; readonly terms: readonly ExpressionNode[] }
  | { readonly op: 'not' | 'isNull'; readonly term: ExpressionNode };

declare const kindTag: unique symbol;

/** A tree whose value has the column type `K`. */
export interface Expression<K extends Kind = Kind> {
  readonly node: ExpressionNode;
  readonly [kindTag]?: K;
}

/** What may stand for a literal of a type: small integers for `int64`, text for decimals, ISO 8601 text for timestamps. */
export type Literal<K extends Kind> = K extends 'int64' ? bigint | number : TypeOf<K>;

export type Operand<K extends Kind> = Expression<K> | Literal<K>;

function isExpression(operand: unknown): operand is Expression {
  return typeof operand === 'object' && operand !== null && 'node' in operand;
}

function expression<K extends Kind>(node: ExpressionNode): Expression<K> {
  return Object.freeze({ node: Object.freeze(node) });
}

function nodeOf(operand: Expression | bigint | number | string | boolean): ExpressionNode {
  return isExpression(operand) ? operand.node : { op: 'literal', value: operand };
}

/** A column of an input, as `from` named it. */
export function columnOf<K extends Kind>(input: string, name: string): Expression<K> {
  return expression({ op: 'column', input, name });
}

function compare(op: Comparison) {
  return <K extends Kind>(left: Expression<K>, right: Operand<NoInfer<K>>): Expression<'boolean'> =>
    expression({ op, left: left.node, right: nodeOf(right) });
}

/** `left = right` */
export const eq = compare('eq');
/** `left <> right` */
export const ne = compare('ne');
/** `left < right` */
export const lt = compare('lt');
/** `left <= right` */
export const le = compare('le');
/** `left > right` */
export const gt = compare('gt');
/** `left >= right` */
export const ge = compare('ge');

/** All of them hold. */
export const and = (...terms: readonly Expression<'boolean'>[]): Expression<'boolean'> =>
  expression({ op: 'and', terms: terms.map((term) => term.node) });
/** At least one of them holds. */
export const or = (...terms: readonly Expression<'boolean'>[]): Expression<'boolean'> =>
  expression({ op: 'or', terms: terms.map((term) => term.node) });
/** It does not hold; null stays null. */
export const not = (term: Expression<'boolean'>): Expression<'boolean'> => expression({ op: 'not', term: term.node });
/** It is null. Never null itself. */
export const isNull = (term: Expression): Expression<'boolean'> => expression({ op: 'isNull', term: term.node });
