import type { Column, Kind } from './column.ts';
import type { Duration } from './duration.ts';
import type { KeyKind } from './entity.ts';
import { columnOf, type Expression, type ExpressionNode } from './expression.ts';

export type Columns = Readonly<Record<string, Column>>;

/** How the connector writes values: its `decimal.handling.mode` and `time.precision.mode`. */
export interface Encoding {
  readonly decimals: 'precise' | 'string' | 'double';
  readonly times: 'adaptive' | 'microseconds' | 'connect' | 'isostring';
}

export interface DebeziumOptions extends Partial<Encoding> {
  /** The connector's `topic.prefix`. */
  readonly prefix: string;
}

/** What to do with a record that cannot be used. `dead-letter` keeps the raw bytes, the reason and the position. */
export type RecordPolicy = 'fail' | 'skip' | 'dead-letter';

export interface EventTimeOptions<EventColumn extends string> {
  /** The column that says when it happened. */
  readonly event: EventColumn;
  /** How much older than the newest row a row may be and still count for open windows. Default `'0s'`. */
  readonly outOfOrderness?: Duration;
  /** How far ahead of its commit an event time may lead time. Default `'1m'`. */
  readonly maxAhead?: Duration;
  /** A source partition that was silent for so long, and is caught up, no longer holds back time. Default `'1s'`. */
  readonly idleTimeout?: Duration;
  /** How long a closed tumbling window still takes rows of its past. Default `'0s'`. */
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

export interface TableOptions<C extends Columns, T, D extends DerivedColumns = DerivedColumns> {
  /** The columns that are read. Others are neither parsed nor kept. */
  readonly columns: C;
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
  /** Without it the table cannot be windowed. */
  readonly time?: T;
  /** Default `'dead-letter'`. */
  readonly onError?: RecordPolicy;
  /** What a second snapshot of the table does. Default `'refuse'`: the source stops and says what to do. */
  readonly snapshots?: 'refuse' | 'ignore';
}

/** A captured table. `Timed` says whether it has an event time. */
export interface Table<
  C extends Columns = Columns,
  Timed extends boolean = boolean,
  D extends DerivedColumns = DerivedColumns,
> {
  readonly definition: 'table';
  /** `schema.table` */
  readonly name: string;
  readonly topic: string;
  /** Where the connector's heartbeats arrive. */
  readonly heartbeatTopic: string;
  readonly encoding: Encoding;
  readonly columns: C;
  readonly primaryKey: readonly string[];
  readonly replicaIdentity: 'full' | 'default';
  readonly appendOnly: boolean;
  /** Over the columns of an input without a name. */
  readonly derived: Readonly<Record<string, ExpressionNode>>;
  readonly time: EventTimeOptions<string> | null;
  readonly onError: RecordPolicy;
  readonly snapshots: 'refuse' | 'ignore';
  readonly timed: Timed;
  /** This table's rows under the entity key that the named columns hold. */
  by<By extends Readonly<Record<string, KeyColumn<C>>>>(columns: By): Input<C, Timed, By, D>;
}

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
  readonly table: Table<C, Timed, D>;
  readonly by: By;
}

/** Tables of one Debezium connector. */
export interface Connector {
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
