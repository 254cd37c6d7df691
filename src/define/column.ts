/**
 * Columns and their types. A column type says how a database value is carried through the stream: one runtime
 * representation ({@link Value}), one TypeScript type for those who read it ({@link TypeOf}).
 */

/** Runtime form: integers of 64 bits, decimals (scaled by 10^scale) and timestamps (µs since 1970 UTC) are bigint. */
export type Scalar = bigint | number | string | boolean;

/** A list only as the value of a feature; a column of a table is never one. */
export type Value = Scalar | null | readonly Scalar[];

/** The name of a column type, as the compiler sees it. */
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
  readonly int32: number;
  readonly int64: bigint;
  readonly float64: number;
  readonly decimal: string;
  readonly text: string;
  readonly boolean: boolean;
  readonly timestamp: Timestamp;
  readonly timestamptz: Timestamp;
  readonly date: string;
}

/** ISO 8601, UTC, microseconds: `2026-01-02T03:04:05.123456Z`. */
export type Timestamp = `${string}Z`;

export type TypeOf<K extends ValueKind> = K extends Kind
  ? TypeOfKind[K]
  : K extends `list<${infer Element extends Kind}>`
    ? readonly TypeOfKind[Element][]
    : never;

/** A column of a table, or a part of an entity key. */
export interface Column<K extends Kind = Kind, N extends boolean = boolean> {
  readonly kind: K;
  readonly type: ColumnType;
  readonly isNullable: N;
  /** The same column, null allowed. */
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

/** `smallint`, `integer`. Read as number. */
export const int32 = (): Column<'int32', false> => column('int32', { kind: 'int32' });
/** `bigint`. Read as bigint: ids above 2^53 survive whole. */
export const int64 = (): Column<'int64', false> => column('int64', { kind: 'int64' });
/** `real`, `double precision`. Read as number; NaN and infinities included. */
export const float64 = (): Column<'float64', false> => column('float64', { kind: 'float64' });
/** `text`, `varchar`, `uuid`, enums, `json`: anything that the connector sends as a string. */
export const text = (): Column<'text', false> => column('text', { kind: 'text' });
/** `boolean`. */
export const boolean = (): Column<'boolean', false> => column('boolean', { kind: 'boolean' });
/** `timestamp with time zone`. Kept as microseconds. */
export const timestamptz = (): Column<'timestamptz', false> => column('timestamptz', { kind: 'timestamptz' });
/** `date`. Read as `YYYY-MM-DD`; kept as days since 1970. */
export const date = (): Column<'date', false> => column('date', { kind: 'date' });
/** `numeric(precision, scale)`, exact. Read as text with `scale` digits after the point. */
export const decimal = (precision: number, scale: number): Column<'decimal', false> =>
  column('decimal', { kind: 'decimal', precision, scale });
/** `timestamp(precision)` without time zone, taken as UTC. The precision (0 to 6) is the database's: it decides the connector's unit. */
export const timestamp = (precision = 6): Column<'timestamp', false> =>
  column('timestamp', { kind: 'timestamp', precision });
