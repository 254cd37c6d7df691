import type { Column, Kind } from './column.ts';
import type { Duration } from './duration.ts';
import type { KeyKind } from './entity.ts';
import { columnOf, type Expression, type ExpressionNode } from './expression.ts';

/** The columns of a table, by the names that the database has for them. */
export type Columns = Readonly<Record<string, Column>>;

/** How the connector writes values: its `decimal.handling.mode` and `time.precision.mode`. */
export interface Encoding {
  /** `decimal.handling.mode`. The connector's default is `'precise'`; `'string'` is the cheapest to read. */
  readonly decimals: 'precise' | 'string' | 'double';
  /** `time.precision.mode`. The connector's default is `'adaptive'`; `'microseconds'` does not depend on a column's precision. */
  readonly times: 'adaptive' | 'microseconds' | 'connect' | 'isostring';
}

/** What is said of a connector: its topics' prefix, and its encoding where that is not the default (`'precise'`, `'adaptive'`). */
export interface DebeziumOptions extends Partial<Encoding> {
  /** The connector's `topic.prefix`. */
  readonly prefix: string;
}

/**
 * What to do with a record that cannot be used. `'fail'`: the worker stops. `'skip'`: it is counted and passed over. `'dead-letter'`: that,
 * and the raw bytes, the reason and the position are kept in the dead-letter topic.
 */
export type RecordPolicy = 'fail' | 'skip' | 'dead-letter';

/** A table's event time, and how it is waited for. */
export interface EventTimeOptions<EventColumn extends string> {
  /** The column that says when it happened: a timestamp that is never null. */
  readonly event: EventColumn;
  /** How much older than the newest row a row may be and still count for open windows. Default `'0s'`. */
  readonly outOfOrderness?: Duration;
  /** How far ahead of its commit an event time may lead time. Default `'1m'`. */
  readonly maxAhead?: Duration;
  /** A source partition that was silent for so long, and is caught up, no longer holds back time. Default `'1s'`. */
  readonly idleTimeout?: Duration;
  /** How long tumbling, hopping and session windows still take rows after they have closed. Paid with memory. Default `'0s'`. */
  readonly allowedLateness?: Duration;
}

/** Names of the columns that may be an event time: timestamps that are never null. */
export type EventColumn<C extends Columns> = {
  [Name in keyof C]: C[Name] extends Column<'timestamp' | 'timestamptz', false> ? Name & string : never;
}[keyof C];

/** Columns that are computed from a row, by name. Of no known names: none. */
export type DerivedColumns = Readonly<Record<string, Expression<Kind>>>;

/** What `derived` gets: the table's own columns. */
export type ColumnHandles<C extends Columns> = { readonly [Name in keyof C]: Expression<KindOf<C[Name]>> };

/** What is said of a table. */
export interface TableOptions<C extends Columns, T, D extends DerivedColumns = DerivedColumns> {
  /** The columns that are read. Others are neither parsed nor kept. */
  readonly columns: C;
  /** The table's primary key, declared columns that are never null. Rows of one event time are ordered by it. */
  readonly primaryKey: readonly (keyof C & string)[];
  /** The table's REPLICA IDENTITY. Without `'full'`, updates and deletes cannot be retracted and are refused. Default `'default'`. */
  readonly replicaIdentity?: 'full' | 'default';
  /**
   * Rows are only ever inserted: what has to be kept of them is less, and the table need not have `replicaIdentity: 'full'`. An update or a
   * delete is refused as unusable. Default false.
   */
  readonly appendOnly?: boolean;
  /**
   * Columns that are computed from a row, for features to use like the others. They are not columns of an entity key.
   * @example derived: (c) => ({ bin: substring(c.card_number, 1, 6), total: mul(c.price, c.quantity) })
   */
  readonly derived?: (columns: ColumnHandles<C>) => D;
  /** Without it the table has no window but `unbounded()`, and nothing that goes by the order of its rows. */
  readonly time?: T;
  /** What becomes of a record that cannot be used. Default `'dead-letter'`. */
  readonly onError?: RecordPolicy;
  /**
   * What a second snapshot of the table does: its rows would be counted twice. `'refuse'`: the source stops and says what to do. `'ignore'`:
   * they are passed over and counted. Default `'refuse'`.
   */
  readonly snapshots?: 'refuse' | 'ignore';
}

/** A captured table. `Timed` says whether it has an event time. */
export interface Table<
  C extends Columns = Columns,
  Timed extends boolean = boolean,
  D extends DerivedColumns = DerivedColumns,
> {
  /** @internal */
  readonly definition: 'table';
  /** `schema.table` */
  readonly name: string;
  /** `<prefix>.<schema>.<table>` */
  readonly topic: string;
  /** Where the connector's heartbeats arrive. */
  readonly heartbeatTopic: string;
  /** How the connector writes its values. */
  readonly encoding: Encoding;
  /** The columns that are read. */
  readonly columns: C;
  /** The names of the primary key's columns. */
  readonly primaryKey: readonly string[];
  /** Whether updates and deletes carry the complete old row. */
  readonly replicaIdentity: 'full' | 'default';
  /** Whether rows are only ever inserted. */
  readonly appendOnly: boolean;
  /**
   * Over the columns of an input without a name.
   * @internal
   */
  readonly derived: Readonly<Record<string, ExpressionNode>>;
  /** Its event time; null without one. */
  readonly time: EventTimeOptions<string> | null;
  /** What becomes of a record that cannot be used. */
  readonly onError: RecordPolicy;
  /** What a second snapshot does. */
  readonly snapshots: 'refuse' | 'ignore';
  /** Whether it has an event time. */
  readonly timed: Timed;
  /**
   * This table's rows under the entity key that the named columns hold. A row in which one of them is null belongs to no key: it is counted
   * (`millrace_rows_without_key_total`) and has no effect.
   * @param columns for each field of the entity key the column that holds it.
   * @example from: { tx: transactions.by({ user_id: 'user_id' }) }
   */
  by<By extends Readonly<Record<string, KeyColumn<C>>>>(columns: By): Input<C, Timed, By, D>;
}

/** Names of the columns that may be part of an entity key. */
export type KeyColumn<C extends Columns> = {
  [Name in keyof C]: C[Name] extends Column<KeyKind> ? Name & string : never;
}[keyof C];

/** A table, and which of its columns is which field of the entity key. */
export interface Input<
  C extends Columns = Columns,
  Timed extends boolean = boolean,
  By extends Readonly<Record<string, string>> = Readonly<Record<string, string>>,
  D extends DerivedColumns = DerivedColumns,
> {
  /** The table. */
  readonly table: Table<C, Timed, D>;
  /** For each field of the entity key the column that holds it. */
  readonly by: By;
}

/** Tables of one Debezium connector. */
export interface Connector {
  /**
   * A table that the connector captures.
   * @param name `schema.table`; the topic is `<prefix>.<schema>.<table>`.
   * @throws RangeError when `derived` reads a column that is not declared. Other faults are found when the views over it are loaded.
   * @example
   * const transactions = shop.table('public.transactions', {
   *   columns: { transaction_id: int64(), user_id: int64(), amount: decimal(12, 2), transaction_time: timestamp(3) },
   *   primaryKey: ['transaction_id'],
   *   replicaIdentity: 'full',
   *   time: { event: 'transaction_time', outOfOrderness: '5s' },
   * });
   */
  table<
    const C extends Columns,
    T extends EventTimeOptions<EventColumn<C>> | undefined = undefined,
    D extends DerivedColumns = DerivedColumns,
  >(
    name: string,
    options: TableOptions<C, T, D>,
  ): Table<C, T extends object ? true : false, D>;
}

/**
 * A Debezium connector: the topic prefix, and how it was told to write decimals and times.
 * @example const shop = debezium({ prefix: 'dbserver', decimals: 'string', times: 'microseconds' });
 */
export function debezium(options: DebeziumOptions): Connector {
  const encoding: Encoding = { decimals: options.decimals ?? 'precise', times: options.times ?? 'adaptive' };
  return Object.freeze({
    table<
      const C extends Columns,
      T extends EventTimeOptions<EventColumn<C>> | undefined = undefined,
      D extends DerivedColumns = DerivedColumns,
    >(name: string, table: TableOptions<C, T, D>): Table<C, T extends object ? true : false, D> {
      type Timed = T extends object ? true : false;
      const defined: Table<C, Timed, D> = {
        definition: 'table',
        name,
        topic: `${options.prefix}.${name}`,
        heartbeatTopic: `__debezium-heartbeat.${options.prefix}`,
        encoding,
        columns: table.columns,
        primaryKey: table.primaryKey,
        replicaIdentity: table.replicaIdentity ?? 'default',
        appendOnly: table.appendOnly ?? false,
        derived: derivedOf(name, table),
        time: table.time ?? null,
        onError: table.onError ?? 'dead-letter',
        snapshots: table.snapshots ?? 'refuse',
        timed: (table.time !== undefined) as Timed,
        by: (columns) => Object.freeze({ table: defined, by: columns }),
      };
      return Object.freeze(defined);
    },
  });
}

function derivedOf<C extends Columns, D extends DerivedColumns>(
  table: string,
  { columns, derived }: TableOptions<C, unknown, D>,
): Readonly<Record<string, ExpressionNode>> {
  if (derived === undefined) return {};
  const handles = Object.keys(columns).map((name): [string, Expression] => [name, columnOf('', name)]);
  const found = derived(handleOf(`table ${table}`, Object.fromEntries(handles)) as ColumnHandles<C>);
  return Object.fromEntries(Object.entries(found).map(([name, { node }]) => [name, node]));
}

/**
 * An object that knows all its names. A definitions file is not type-checked when it is loaded: a misspelt column must not pass for
 * undefined.
 * @param whole what has them, for the message.
 */
export function handleOf(whole: string, members: object, noun = 'column', verb = 'declares'): object {
  return new Proxy(Object.freeze(members), {
    get(target, name): unknown {
      if (typeof name === 'symbol' || name in target) return Reflect.get(target, name);
      const names = Object.keys(target).filter((each) => !inputHandleNames.includes(each));
      throw new RangeError(`${whole} has no ${noun} "${name}"; it ${verb} ${names.join(', ')}`);
    },
  });
}

/** Names that the handle of an input uses itself. */
export const inputHandleNames: readonly string[] = ['inputName', 'timed'];

/** The column type of a column, for expressions. */
export type KindOf<C> = C extends Column<infer K extends Kind> ? K : never;
