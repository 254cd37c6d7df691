/** What a feature is: an aggregate over a window, as data. The aggregates themselves are in `aggregates/`. */
import type { TypeOf, ValueKind } from './column.ts';
import { inputsRead, type Condition, type Expression, type ExpressionNode } from './expression.ts';
import type { LiteralValue } from './literal.ts';
import type { UnboundedWindow, Window } from './window.ts';

type Call<Name extends string, Parameters = unknown> = Name extends string
  ? { readonly function: Name } & Parameters
  : never;

/** Which aggregate, with what was said about it. */
export type AggregateCall =
  | Call<'count' | 'sum' | 'mean' | 'min' | 'max' | 'first' | 'last' | 'distinctCount' | 'ratio' | 'timeSinceLast'>
  | Call<'variance' | 'stddev', { readonly population: boolean }>
  | Call<'firstN' | 'lastN' | 'lastDistinct' | 'topK' | 'topValues' | 'bottomValues', { readonly limit: number }>
  | Call<'approxDistinctCount', { readonly precision: number }>
  | Call<'percentile', { readonly fraction: number; readonly exactLimit: number; readonly accuracy: number }>
  | Call<'histogram', { readonly bounds: readonly LiteralValue[] }>;

export type AggregateFunction = AggregateCall['function'];

/** What one feature computes, as data. */
export interface AggregateNode {
  readonly call: AggregateCall;
  /** The input, as `from` named it; empty for an expression that reads none. */
  readonly input: string;
  /** Null where the rows themselves count. */
  readonly value: ExpressionNode | null;
  readonly where: ExpressionNode | null;
}

/** A feature: an aggregate over a window. `N` says whether it can be null. */
export interface Feature<K extends ValueKind = ValueKind, N extends boolean = boolean> {
  /** @internal */
  readonly definition: 'feature';
  /** @internal */
  readonly aggregate: AggregateNode;
  /** @internal */
  readonly window: Window;
  /** @internal */
  readonly fallback: TypeOf<K> | null;
  /**
   * The value where SQL has null. A value that is not of the feature's type is refused when the definitions are loaded.
   * @example sum(tx.amount).over(sliding('1h')).default('0.00')
   */
  default(value: TypeOf<K>): Feature<K, false>;
  /** Whether it can be null. */
  readonly nullable: N;
}

/** An aggregate that still needs its window: without an event time there is only `unbounded()`. */
export interface Aggregate<K extends ValueKind, N extends boolean, Timed extends boolean> {
  /**
   * Makes it a feature: which rows it sees, as of T.
   * @example count(tx).over(sliding('1h'))
   */
  over(window: [Timed] extends [true] ? Window : UnboundedWindow): Feature<K, N>;
}

/** Stands for the rows of an input. */
export interface InputReference<Timed extends boolean = boolean> {
  /** As `from` named it. */
  readonly inputName: string;
  /** Whether its table has an event time. */
  readonly timed: Timed;
}

/** What may be said of any aggregate. */
export interface AggregateOptions {
  /**
   * Only rows for which this holds; null counts as false.
   * @example count(tx, { where: eq(tx.status, 'ok') })
   */
  readonly where?: Condition;
}

/** Of which rows, or of which values of them. */
export type Aggregated<Timed extends boolean> = InputReference<Timed> | Expression<ValueKind, Timed>;

function feature<K extends ValueKind, N extends boolean>(
  aggregate: AggregateNode,
  window: Window,
  nullable: N,
  fallback: TypeOf<K> | null,
): Feature<K, N> {
  return Object.freeze({
    definition: 'feature',
    aggregate,
    window,
    nullable,
    fallback,
    default: (value: TypeOf<K>) => feature<K, false>(aggregate, window, false, value),
  });
}

/** An aggregate of the catalogue. `N`: null stands for nothing. */
export function aggregate<K extends ValueKind, N extends boolean, Timed extends boolean>(
  call: AggregateCall,
  of: Aggregated<Timed>,
  { where }: AggregateOptions,
  nullable: N,
): Aggregate<K, N, Timed> {
  const value = 'inputName' in of ? null : of.node;
  const input = 'inputName' in of ? of.inputName : (inputsRead(of.node)[0] ?? '');
  const node: AggregateNode = Object.freeze({ call: Object.freeze(call), input, value, where: where?.node ?? null });
  return Object.freeze({ over: (window: Window) => feature<K, N>(node, window, nullable, null) });
}
