/**
 * Columns and their types. A column type says how a database value is carried through the stream: one runtime
 * representation ({@link Value}), one TypeScript type for those who read it ({@link TypeOf}).
 */

/** Runtime form: integers of 64 bits, decimals (scaled by 10^scale) and timestamps (µs since 1970 UTC) are bigint. */
export type Scalar = bigint | number | string | boolean;

/** A list only as the value of a feature; a column of a table is never one. */
export type Value = Scalar | null | readonly Scalar[];

/** The name of a column's type, as the compiler sees it: what `int64()` gives is an `'int64'`. */
export type Kind =
  'int32' | 'int64' | 'float64' | 'decimal' | 'text' | 'boolean' | 'timestamp' | 'timestamptz' | 'date';

/** Lists are values of features only. */
export type ListKind = `list<${Kind}>`;

/** The name of a feature's type. */
export type ValueKind = Kind | ListKind;

/** Kinds that can be computed with. */
export type NumericKind = 'int32' | 'int64' | 'float64' | 'decimal';

/** Kinds of an instant. */
export type TimeKind = 'timestamp' | 'timestamptz';

export type ColumnType =
  | { readonly kind: 'int32' | 'int64' | 'float64' | 'text' | 'boolean' | 'timestamptz' | 'date' }
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number }
  | { readonly kind: 'timestamp'; readonly precision: number };

/** The type of a feature's value: a list has no null in it. */
export type ValueType = ColumnType | { readonly kind: 'list'; readonly element: ColumnType };

/** What a reader of a feature gets: timestamps as ISO 8601 UTC text, decimals as text, 64-bit integers as bigint. */
export interface TypeOfKind {
  /** A whole number. */
  readonly int32: number;
  /** Whole beyond 2^53. */
  readonly int64: bigint;
  /** NaN and infinities included. */
  readonly float64: number;
  /** With all its digits: `'19.90'`. */
  readonly decimal: string;
  /** As it is. */
  readonly text: string;
  /** As it is. */
  readonly boolean: boolean;
  /** ISO 8601, UTC, microseconds; or `infinity`, `-infinity`. */
  readonly timestamp: Timestamp;
  /** ISO 8601, UTC, microseconds; or `infinity`, `-infinity`. */
  readonly timestamptz: Timestamp;
  /** `YYYY-MM-DD`. */
  readonly date: string;
}

/** ISO 8601, UTC, microseconds: `2026-01-02T03:04:05.123456Z`. */
export type Timestamp = `${string}Z`;

/** The TypeScript type of a value of this kind, see {@link TypeOfKind}; of a list, an array of them. */
export type TypeOf<K extends ValueKind> = K extends Kind
  ? TypeOfKind[K]
  : K extends `list<${infer Element extends Kind}>`
    ? readonly TypeOfKind[Element][]
    : never;

/** A column of a table, or a part of an entity key. */
export interface Column<K extends Kind = Kind, N extends boolean = boolean> {
  /** The name of its type. */
  readonly kind: K;
  /**
   * Its type, with precision and scale.
   * @internal
   */
  readonly type: ColumnType;
  /** Whether null is allowed. */
  readonly isNullable: N;
  /**
   * The same column, null allowed. What the database may send as null must be declared so: else a null is a record that cannot be used.
   * @example location: text().nullable()
   */
  nullable(): Column<K, true>;
}

/** A type as messages name it. */
export function describeType(type: ValueType): string {
  if (type.kind === 'list') return `list<${describeType(type.element)}>`;
  return type.kind === 'decimal' ? `decimal(${type.precision}, ${type.scale})` : type.kind;
}

function column<K extends Kind>(kind: K, type: ColumnType): Column<K, false> {
  const nullable: Column<K, true> = Object.freeze({ kind, type, isNullable: true, nullable: () => nullable });
  return Object.freeze({ kind, type, isNullable: false, nullable: () => nullable });
}

/**
 * `smallint`, `integer`. Read as number.
 * @example columns: { quantity: int32() }
 */
export const int32 = (): Column<'int32', false> => column('int32', { kind: 'int32' });
/**
 * `bigint`. Read as bigint: ids above 2^53 survive whole. A literal beside it may be a number.
 * @example columns: { user_id: int64() }
 */
export const int64 = (): Column<'int64', false> => column('int64', { kind: 'int64' });
/**
 * `real`, `double precision`. Read as number; NaN and infinities included. NaN is equal to itself and above all numbers, as in Postgres.
 * @example columns: { latitude: float64() }
 */
export const float64 = (): Column<'float64', false> => column('float64', { kind: 'float64' });
/**
 * `text`, `varchar`, `uuid`, enums, `json`: anything that the connector sends as a string. Compared by code point, as the C collation does.
 * @example columns: { status: text() }
 */
export const text = (): Column<'text', false> => column('text', { kind: 'text' });
/**
 * `boolean`.
 * @example columns: { is_refund: boolean() }
 */
export const boolean = (): Column<'boolean', false> => column('boolean', { kind: 'boolean' });
/**
 * `timestamp with time zone`. Kept as microseconds since 1970 UTC, read as a {@link Timestamp}.
 * @example columns: { created_at: timestamptz() }
 */
export const timestamptz = (): Column<'timestamptz', false> => column('timestamptz', { kind: 'timestamptz' });
/**
 * `date`. Read as `YYYY-MM-DD`; kept as days since 1970.
 * @example columns: { born_on: date() }
 */
export const date = (): Column<'date', false> => column('date', { kind: 'date' });
/**
 * `numeric(precision, scale)`, exact. Read as text with `scale` digits after the point.
 * @param precision how many digits in all, from 1 to 131,072, as the database has it. With more than 38 it is text in Parquet.
 * @param scale how many of them are after the point, from 0 to the precision. A definition with another is refused when it is loaded.
 * @example columns: { amount: decimal(12, 2) } // '19.99'
 */
export const decimal = (precision: number, scale: number): Column<'decimal', false> =>
  column('decimal', { kind: 'decimal', precision, scale });
/**
 * `timestamp(precision)` without time zone, taken as UTC. Kept as microseconds since 1970, read as a {@link Timestamp}.
 * @param precision digits of a second, 0 to 6, as the database has it: with `times: 'adaptive'` it decides whether the connector sends
 *   milliseconds or microseconds. Default 6, as in Postgres.
 * @example columns: { transaction_time: timestamp(3) }
 */
export const timestamp = (precision = 6): Column<'timestamp', false> =>
  column('timestamp', { kind: 'timestamp', precision });
