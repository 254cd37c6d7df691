import type { Feature, InputColumn, InputReference } from './aggregate.ts';
import type { TypeOf } from './column.ts';
import type { Entity, KeyFields } from './entity.ts';
import { columnOf } from './expression.ts';
import type { Columns, Input, KindOf } from './table.ts';

/** The inputs of a view: every field of the entity key must be given a column of the same type. */
export type Inputs<Key extends KeyFields> = Readonly<
  Record<string, Input<Columns, boolean, { readonly [Field in keyof Key]: string }>>
>;

/** What `features` gets for an input: the input itself, for `count`, and its columns. */
export type InputHandle<I> =
  I extends Input<infer C, infer Timed>
    ? InputReference<Timed> & { readonly [Name in keyof C]: InputColumn<KindOf<C[Name]>, Timed> }
    : never;

export type FeatureSet = Readonly<Record<string, Feature>>;

export interface FeatureView<F extends FeatureSet = FeatureSet, Key extends KeyFields = KeyFields> {
  readonly definition: 'feature-view';
  readonly name: string;
  readonly entity: Entity<Key>;
  readonly inputs: Readonly<Record<string, Input>>;
  readonly features: F;
  /** Where the values of a key are stored online. */
  readonly onlineKey: string;
}

export interface FeatureViewOptions<Key extends KeyFields, I extends Inputs<Key>, F extends FeatureSet> {
  readonly entity: Entity<Key>;
  /** A name for each table that is read. */
  readonly from: I;
  readonly features: (inputs: { readonly [Name in keyof I]: InputHandle<I[Name]> }) => F;
  /** `key` defaults to `<view>:{field}:{field}…`. Each `{field}` is replaced by the percent-encoded key part. */
  readonly online?: { readonly key: string };
}

/** The TypeScript type of a view's values. */
export type Features<V> =
  V extends FeatureView<infer F>
    ? {
        readonly [Name in keyof F]: F[Name] extends Feature<infer K, infer N>
          ? TypeOf<K> | (N extends true ? null : never)
          : never;
      }
    : never;

function handleOf(inputName: string, input: Input): object {
  const { table } = input as Partial<Input>;
  if (table === undefined) {
    throw new RangeError(`from.${inputName} is no input; write from: { ${inputName}: table.by({ … }) }`);
  }
  const columns = Object.keys(table.columns).map((name): [string, object] => [
    name,
    Object.freeze({ ...columnOf(inputName, name), inputName, timed: table.timed }),
  ]);
  const handle = Object.freeze({ ...Object.fromEntries(columns), inputName, timed: table.timed });
  // A definitions file is not type-checked when it is loaded: a misspelt column must not pass for undefined.
  return new Proxy(handle, {
    get(target, name): unknown {
      if (typeof name === 'symbol' || name in target) return Reflect.get(target, name);
      throw new RangeError(
        `table ${table.name} has no column "${name}"; it declares ${Object.keys(table.columns).join(', ')}`,
      );
    },
  });
}

/**
 * A group of features of one entity: computed together, stored together, read together.
 * @param name letters, digits, `_`; names the Parquet folder and the bookkeeping field.
 * @throws RangeError when `features` reads a column that the table does not declare.
 * @example
 * export const userFeatures = featureView('user_features', {
 *   entity: user,
 *   from: { tx: transactions.by({ user_id: 'user_id' }) },
 *   features: ({ tx }) => ({ transaction_count_last_5_min: count(tx).over(tumbling('5m')) }),
 * });
 */
export function featureView<Key extends KeyFields, I extends Inputs<Key>, F extends FeatureSet>(
  name: string,
  options: FeatureViewOptions<Key, I, F>,
): FeatureView<F, Key> {
  const inputs = options.from as Readonly<Record<string, Input>>;
  const handles = Object.fromEntries(Object.entries(inputs).map(([alias, input]) => [alias, handleOf(alias, input)]));
  const fields = Object.keys(options.entity.key).map((field) => `{${field}}`);
  return Object.freeze({
    definition: 'feature-view',
    name,
    entity: options.entity,
    inputs,
    features: Object.freeze(options.features(handles as { readonly [Name in keyof I]: InputHandle<I[Name]> })),
    onlineKey: options.online?.key ?? [name, ...fields].join(':'),
  });
}
