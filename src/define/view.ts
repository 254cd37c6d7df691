import type { Feature, InputReference } from './aggregate.ts';
import type { Kind, TypeOf, ValueKind } from './column.ts';
import type { Duration } from './duration.ts';
import type { Entity, KeyFields } from './entity.ts';
import { columnOf, expression, withInput, type Expression, type ExpressionNode } from './expression.ts';
import { handleOf, type Columns, type DerivedColumns, type Input, type KindOf } from './table.ts';

/** The inputs of a view: every field of the entity key must be given a column of the same type. */
export type Inputs<Key extends KeyFields> = Readonly<
  Record<string, Input<Columns, boolean, { readonly [Field in keyof Key]: string }>>
>;

/** What `features` gets for an input: the input itself, for `count`, and its columns, derived ones too. */
export type InputHandle<I> =
  I extends Input<infer C, infer Timed, Readonly<Record<string, string>>, infer D>
    ? InputReference<Timed> & {
        readonly [Name in keyof C]: Expression<KindOf<C[Name]>, Timed>;
      } & DerivedHandles<D, Timed>
    : never;

type DerivedHandles<D extends DerivedColumns, Timed extends boolean> = string extends keyof D
  ? unknown
  : { readonly [Name in keyof D]: D[Name] extends Expression<infer K> ? Expression<K, Timed> : never };

/** The features of a view, by their names. */
export type FeatureSet = Readonly<Record<string, Feature>>;

/** What `derive` gets: the view's features, for expressions. */
export type FeatureHandles<F extends FeatureSet> = {
  readonly [Name in keyof F]: F[Name] extends Feature<infer K, infer N> ? Expression<K, false, N> : never;
};

/**
 * When values are given out. `'changes'`: whenever a row or time changes them. `'closed'`: once for each window, when it closes; all
 * features of the view must have the same tumbling or session window. `{ every }`: at most once per key in each such interval, then the
 * newest.
 */
export type Emit =
  | 'changes'
  | 'closed'
  | {
      /** The interval, aligned to 1970-01-01 UTC. */
      readonly every: Duration;
    };

/** Features of one entity that are computed, stored and read together. */
export interface FeatureView<
  F extends FeatureSet = FeatureSet,
  Key extends KeyFields = KeyFields,
  D extends DerivedColumns = DerivedColumns,
> {
  /** @internal */
  readonly definition: 'feature-view';
  /** Names the Parquet folder and the bookkeeping field `_<name>`. */
  readonly name: string;
  /** Whose features they are. */
  readonly entity: Entity<Key>;
  /** The tables that are read, as `from` named them. */
  readonly inputs: Readonly<Record<string, Input>>;
  /** The aggregated features. */
  readonly features: F;
  /** The features that are computed from them. */
  readonly derived: D;
  /** When values are given out. */
  readonly emit: Emit;
  /** Where the values of a key are stored online: a template such as `user_features:{user_id}`. */
  readonly onlineKey: string;
}

/** What is said of a view beside its name. */
export interface FeatureViewOptions<
  Key extends KeyFields,
  I extends Inputs<Key>,
  F extends FeatureSet,
  D extends DerivedColumns = DerivedColumns,
> {
  /** Whose features they are. Views of one entity share its logs and its state. */
  readonly entity: Entity<Key>;
  /**
   * A name for each table that is read, with the columns that hold the entity key.
   * @example from: { tx: transactions.by({ user_id: 'user_id' }), login: logins.by({ user_id: 'account_id' }) }
   */
  readonly from: I;
  /**
   * The features, by name: letters, digits and `_`, a letter first. It is called once, when the view is defined.
   * @example features: ({ tx }) => ({ spend_last_hour: sum(tx.amount).over(sliding('1h')).default('0.00') })
   */
  readonly features: (inputs: { readonly [Name in keyof I]: InputHandle<I[Name]> }) => F;
  /**
   * Features that are computed from the features.
   * @example derive: (f) => ({ average_ticket: div(f.spend_last_hour, f.transactions_last_hour) })
   */
  readonly derive?: (features: FeatureHandles<NoInfer<F>>) => D;
  /**
   * When values are given out. Default `'changes'`.
   * @example emit: { every: '1m' }
   */
  readonly emit?: Emit;
  /** Where values are stored online. */
  readonly online?: {
    /**
     * A template in which each `{field}` of the entity key is replaced by the percent-encoded part of the key; all must be there. Views
     * may share a hash, if their features have different names. Default `<view>:{field}:{field}…`.
     */
    readonly key: string;
  };
}

type ReadOf<K extends ValueKind, N extends boolean> = TypeOf<K> | ([N] extends [false] ? never : null);

/**
 * The TypeScript type of a view's values: 64-bit integers are bigint, decimals, dates and times text, lists arrays; null where a feature
 * has no default and can be empty.
 * @example
 * export type UserFeatures = Features<typeof userFeatures>;
 * // { readonly transactions_last_hour: bigint; readonly spend_last_hour: string; … }
 */
export type Features<V> =
  V extends FeatureView<infer F, KeyFields, infer D>
    ? {
        readonly [Name in keyof F]: F[Name] extends Feature<infer K, infer N> ? ReadOf<K, N> : never;
      } & DerivedFeatures<D>
    : never;

type DerivedFeatures<D extends DerivedColumns> = string extends keyof D
  ? unknown
  : {
      readonly [Name in keyof D]: D[Name] extends Expression<infer K extends Kind, boolean, infer N>
        ? ReadOf<K, N>
        : never;
    };

function inputHandle(inputName: string, input: Input): object {
  const { table } = input as Partial<Input>;
  if (table === undefined) {
    throw new RangeError(`from.${inputName} is no input; write from: { ${inputName}: table.by({ … }) }`);
  }
  const columns = Object.keys(table.columns).map((name): [string, Expression] => [name, columnOf(inputName, name)]);
  const derived = Object.entries(table.derived).map(([name, node]): [string, Expression] => [
    name,
    expression(withInput(node, inputName)),
  ]);
  const own = { inputName, timed: table.timed };
  return handleOf(`table ${table.name}`, { ...Object.fromEntries([...columns, ...derived]), ...own });
}

function featureHandles<F extends FeatureSet>(view: string, features: F): FeatureHandles<F> {
  const handles = Object.keys(features).map((name): [string, { readonly node: ExpressionNode }] => [
    name,
    expression({ op: 'feature', name }),
  ]);
  return handleOf(`view ${view}`, Object.fromEntries(handles), 'feature', 'has') as FeatureHandles<F>;
}

/**
 * A group of features of one entity: computed together, stored together, read together.
 * @param name letters, digits, `_`; names the Parquet folder and the bookkeeping field.
 * @throws RangeError when `features` reads a column that the table does not declare, `derive` a feature that the view does not have, or an
 *   input is no `table.by(…)`. All other faults are found when the file is loaded: InvalidError `definition-invalid`, one line for each.
 * @example
 * export const userFeatures = featureView('user_features', {
 *   entity: user,
 *   from: { tx: transactions.by({ user_id: 'user_id' }) },
 *   features: ({ tx }) => ({ transaction_count_last_5_min: count(tx).over(tumbling('5m')) }),
 * });
 */
export function featureView<
  Key extends KeyFields,
  I extends Inputs<Key>,
  F extends FeatureSet,
  D extends DerivedColumns = DerivedColumns,
>(name: string, options: FeatureViewOptions<Key, I, F, D>): FeatureView<F, Key, D> {
  const inputs = options.from as Readonly<Record<string, Input>>;
  const handles = Object.fromEntries(
    Object.entries(inputs).map(([alias, input]) => [alias, inputHandle(alias, input)]),
  );
  const fields = Object.keys(options.entity.key).map((field) => `{${field}}`);
  const features = Object.freeze(options.features(handles as { readonly [Name in keyof I]: InputHandle<I[Name]> }));
  return Object.freeze({
    definition: 'feature-view',
    name,
    entity: options.entity,
    inputs,
    features,
    derived: Object.freeze(options.derive?.(featureHandles(name, features)) ?? ({} as D)),
    emit: options.emit ?? 'changes',
    onlineKey: options.online?.key ?? [name, ...fields].join(':'),
  });
}
