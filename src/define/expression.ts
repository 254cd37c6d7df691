/**
 * Expressions are small typed trees, not closures: one tree gives the TypeScript type, the compiled code and the SQL.
 * Nulls as in SQL: a comparison with null is null, and a predicate that is null does not hold.
 */
import type { ColumnType, Kind, TypeOf, Value, ValueKind } from './column.ts';
import type { LiteralValue } from './literal.ts';

export type ExpressionNode =
  | { readonly op: 'column'; readonly input: string; readonly name: string }
  /** A feature of the same view, in `derive`. */
  | { readonly op: 'feature'; readonly name: string }
  /** Without a type it takes that of what stands beside it. */
  | { readonly op: 'literal'; readonly value: LiteralValue; readonly type?: ColumnType }
  | { readonly op: Comparison; readonly left: ExpressionNode; readonly right: ExpressionNode }
  | { readonly op: 'and' | 'or'; readonly terms: readonly ExpressionNode[] }
  | { readonly op: 'not' | 'isNull'; readonly term: ExpressionNode }
  /** One of the functions of `functions/catalogue.ts`. */
  | { readonly op: 'call'; readonly function: string; readonly arguments: readonly ExpressionNode[] }
  | { readonly op: 'case'; readonly branches: readonly CaseBranch[]; readonly otherwise: ExpressionNode | null }
  | CustomNode;

export type Comparison = 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge';

export interface CaseBranch {
  readonly when: ExpressionNode;
  readonly then: ExpressionNode;
}

/** A plain function: known by its name. */
export interface CustomNode {
  readonly op: 'custom';
  readonly name: string;
  readonly type: ColumnType;
  readonly arguments: readonly ExpressionNode[];
  readonly compute: (...values: readonly Value[]) => unknown;
}

declare const kindTag: unique symbol;
declare const timedTag: unique symbol;
declare const nullTag: unique symbol;

/**
 * A tree whose value has the kind `K`. `Timed` says whether the tables that it reads have an event time, `N` whether the value can be
 * null, where that is known.
 */
export interface Expression<
  K extends ValueKind = ValueKind,
  Timed extends boolean = boolean,
  N extends boolean = boolean,
> {
  /** @internal */
  readonly node: ExpressionNode;
  /** @internal */
  readonly [kindTag]?: K;
  /** @internal */
  readonly [timedTag]?: Timed;
  /** @internal */
  readonly [nullTag]?: N;
}

/** A condition: true, false or null. Where one decides, null counts as false. */
export type Condition<Timed extends boolean = boolean> = Expression<'boolean', Timed>;

/** What may stand for a literal of a type: small integers for `int64`, text for decimals, ISO 8601 text for timestamps. */
export type Literal<K extends Kind> = K extends 'int64' ? bigint | number : TypeOf<K>;

/** What an expression is compared or combined with: another one, or a literal of its type. */
export type Operand<K extends Kind, Timed extends boolean = boolean> = Expression<K, Timed> | Literal<K>;

function isExpression(operand: unknown): operand is Expression {
  return typeof operand === 'object' && operand !== null && 'node' in operand;
}

export function expression<K extends ValueKind, Timed extends boolean, N extends boolean = boolean>(
  node: ExpressionNode,
): Expression<K, Timed, N> {
  return Object.freeze({ node: Object.freeze(node) });
}

export function nodeOf(operand: Expression | LiteralValue): ExpressionNode {
  return isExpression(operand) ? operand.node : { op: 'literal', value: operand };
}

/** A call of a function of the catalogue. */
export function call<K extends Kind, Timed extends boolean>(
  name: string,
  ...operands: readonly (Expression | LiteralValue)[]
): Expression<K, Timed> {
  return expression({ op: 'call', function: name, arguments: operands.map(nodeOf) });
}

/** A column of an input, as `from` named it. */
export function columnOf<K extends Kind, Timed extends boolean = boolean>(
  input: string,
  name: string,
): Expression<K, Timed> {
  return expression({ op: 'column', input, name });
}

function compare(op: Comparison) {
  return <K extends Kind, Timed extends boolean>(
    left: Expression<K, Timed>,
    right: Operand<NoInfer<K>, Timed>,
  ): Condition<Timed> => expression({ op, left: left.node, right: nodeOf(right) });
}

/**
 * `left = right`; null if one of them is null. Decimals are equal by value, whatever their scale.
 * @example count(tx, { where: eq(tx.status, 'declined') })
 */
export const eq = compare('eq');
/**
 * `left <> right`; null if one of them is null.
 * @example count(tx, { where: ne(tx.currency, 'EUR') })
 */
export const ne = compare('ne');
/**
 * `left < right`; null if one of them is null. Text goes by code point, NaN is above all numbers.
 * @example count(tx, { where: lt(tx.amount, '1.00') })
 */
export const lt = compare('lt');
/**
 * `left <= right`; null if one of them is null. The order is that of {@link lt}.
 * @example count(tx, { where: le(tx.amount, tx.credit) })
 */
export const le = compare('le');
/**
 * `left > right`; null if one of them is null. The order is that of {@link lt}.
 * @example count(tx, { where: gt(tx.amount, '1000.00') })
 */
export const gt = compare('gt');
/**
 * `left >= right`; null if one of them is null. The order is that of {@link lt}.
 * @example count(tx, { where: ge(hourOf(tx.transaction_time), 22) })
 */
export const ge = compare('ge');

/**
 * All of them hold. False if one is false, else null if one is null.
 * @example count(tx, { where: and(eq(tx.status, 'ok'), gt(tx.amount, '100.00')) })
 */
export const and = <Timed extends boolean>(...terms: readonly Condition<Timed>[]): Condition<Timed> =>
  expression({ op: 'and', terms: terms.map((term) => term.node) });
/**
 * At least one of them holds. True if one is true, else null if one is null.
 * @example count(tx, { where: or(isNull(tx.location), eq(tx.location, '')) })
 */
export const or = <Timed extends boolean>(...terms: readonly Condition<Timed>[]): Condition<Timed> =>
  expression({ op: 'or', terms: terms.map((term) => term.node) });
/**
 * It does not hold; null stays null.
 * @example count(tx, { where: not(startsWith(tx.merchant, 'test-')) })
 */
export const not = <Timed extends boolean>(term: Condition<Timed>): Condition<Timed> =>
  expression({ op: 'not', term: term.node });
/**
 * It is null. Never null itself.
 * @example count(tx, { where: isNull(tx.location) })
 */
export const isNull = <Timed extends boolean>(
  term: Expression<ValueKind, Timed>,
): Expression<'boolean', Timed, false> => expression({ op: 'isNull', term: term.node });

/** The nodes that a node is made of. */
function partsOf(node: ExpressionNode): readonly ExpressionNode[] {
  switch (node.op) {
    case 'column':
    case 'feature':
    case 'literal':
      return [];
    case 'and':
    case 'or':
      return node.terms;
    case 'not':
    case 'isNull':
      return [node.term];
    case 'call':
    case 'custom':
      return node.arguments;
    case 'case':
      return [...node.branches.flatMap(({ when, then }) => [when, then]), ...(node.otherwise ? [node.otherwise] : [])];
    default:
      return [node.left, node.right];
  }
}

/** All nodes of a tree, itself included. */
export function nodesOf(node: ExpressionNode): ExpressionNode[] {
  return [node, ...partsOf(node).flatMap(nodesOf)];
}

/** The inputs whose columns an expression reads, as `from` named them. */
export function inputsRead(node: ExpressionNode): string[] {
  return nodesOf(node).flatMap((each) => (each.op === 'column' ? [each.input] : []));
}

/** The same tree over the columns of another input. */
export function withInput(node: ExpressionNode, input: string): ExpressionNode {
  const renamed = (part: ExpressionNode): ExpressionNode => withInput(part, input);
  switch (node.op) {
    case 'column':
      return { ...node, input };
    case 'feature':
    case 'literal':
      return node;
    case 'and':
    case 'or':
      return { ...node, terms: node.terms.map(renamed) };
    case 'not':
    case 'isNull':
      return { ...node, term: renamed(node.term) };
    case 'call':
    case 'custom':
      return { ...node, arguments: node.arguments.map(renamed) };
    case 'case':
      return {
        ...node,
        branches: node.branches.map(({ when, then }) => ({ when: renamed(when), then: renamed(then) })),
        otherwise: node.otherwise === null ? null : renamed(node.otherwise),
      };
    default:
      return { ...node, left: renamed(node.left), right: renamed(node.right) };
  }
}
