import type { Kind, TypeOf } from './column.ts';
import type { Expression } from './expression.ts';
import type { Window } from './window.ts';

export type AggregateFunction = 'count' | 'min' | 'max';

/** What one feature computes, as data. */
export interface AggregateNode {
  readonly function: AggregateFunction;
  /** The input, as `from` named it. */
  readonly input: string;
  readonly value: Expression | null;
  readonly where: Expression<'boolean'> | null;
}

/** A feature: an aggregate over a window. `N` says whether it can be null. */
export interface Feature<K extends Kind = Kind, N extends boolean = boolean> {
  readonly definition: 'feature';
  readonly aggregate: AggregateNode;
  readonly window: Window;
  readonly fallback: TypeOf<K> | null;
  /** The value where SQL has null. */
  default(value: TypeOf<K>): Feature<K, false>;
  readonly nullable: N;
}

/** An aggregate that still needs its window. Only tables with an event time can have one. */
export interface Aggregate<K extends Kind, N extends boolean, Timed extends boolean> {
  over(this: Aggregate<K, N, true>, window: Window): Feature<K, N>;
  readonly timed: Timed;
}

declare const timedTag: unique symbol;
/** Carries the input of a column or of `count(tx)`. */
export interface InputReference<Timed extends boolean = boolean> {
  readonly inputName: string;
  readonly timed: Timed;
  readonly [timedTag]?: Timed;
}

/** A column of an input: an expression that knows whether its table has an event time. */
export interface InputColumn<K extends Kind, Timed extends boolean> extends Expression<K> {
  readonly inputName: string;
  readonly timed: Timed;
}

export interface AggregateOptions {
  /** Only rows for which this holds; null counts as false. */
  readonly where?: Expression<'boolean'>;
}

function feature<K extends Kind, N extends boolean>(
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

function aggregate<K extends Kind, N extends boolean, Timed extends boolean>(
  node: AggregateNode,
  nullable: N,
  timed: Timed,
): Aggregate<K, N, Timed> {
  return Object.freeze({ timed, over: (window: Window) => feature<K, N>(Object.freeze(node), window, nullable, null) });
}

/** The number of rows; 0 when there is none. */
export function count<Timed extends boolean>(
  input: InputReference<Timed>,
  options: AggregateOptions = {},
): Aggregate<'int64', false, Timed> {
  const node = { function: 'count', input: input.inputName, value: null, where: options.where ?? null } as const;
  return aggregate(node, false, input.timed);
}

function extreme(name: 'min' | 'max') {
  return <K extends Kind, Timed extends boolean>(
    value: InputColumn<K, Timed>,
    options: AggregateOptions = {},
  ): Aggregate<K, true, Timed> => {
    const node = { function: name, input: value.inputName, value, where: options.where ?? null } as const;
    return aggregate(node, true, value.timed);
  };
}

/** The smallest value that is not null; null when there is none. */
export const min = extreme('min');
/** The largest value that is not null; null when there is none. */
export const max = extreme('max');
