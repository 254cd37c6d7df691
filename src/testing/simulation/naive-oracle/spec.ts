/**
 * Definitions as plain data: tables, and views with their windows and aggregates. The public language's definitions and the oracle's
 * answers are both made of it, so that neither is made of the other. Imports nothing of the engine.
 */

/** Integers of 64 bits, decimals (scaled by 10^scale) and timestamps (µs since 1970) are bigint, dates days since 1970. */
export type Scalar = bigint | number | string | boolean;
export type Cell = Scalar | null;
export type Result = Cell | readonly Scalar[];

export type TypeSpec =
  | { readonly kind: 'int32' | 'int64' | 'float64' | 'text' | 'boolean' | 'timestamptz' | 'date' }
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number }
  | { readonly kind: 'timestamp'; readonly precision: number };

export interface ColumnSpec {
  readonly name: string;
  readonly type: TypeSpec;
  readonly nullable: boolean;
}

export interface TableSpec {
  /** `schema.table` */
  readonly name: string;
  readonly columns: readonly ColumnSpec[];
  readonly primaryKey: readonly string[];
  /** The column of the event time. */
  readonly eventTime: string;
  readonly outOfOrderness_us: number;
  readonly maxAhead_us: number;
  readonly idleTimeout_us: number;
  readonly allowedLateness_us: number;
  /** Rows are never updated or deleted. */
  readonly appendOnly: boolean;
}

/** A condition or a value over the columns of a row. */
export type ExpressionSpec =
  | { readonly op: 'column'; readonly name: string }
  | { readonly op: 'literal'; readonly type: TypeSpec; readonly value: Scalar }
  | {
      readonly op: 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge';
      readonly left: ExpressionSpec;
      readonly right: ExpressionSpec;
    }
  | { readonly op: 'and' | 'or'; readonly terms: readonly ExpressionSpec[] }
  | { readonly op: 'not' | 'isNull'; readonly term: ExpressionSpec };

export type WindowSpec =
  | { readonly kind: 'tumbling'; readonly size_us: number }
  | { readonly kind: 'hopping'; readonly size_us: number; readonly hop_us: number }
  | { readonly kind: 'sliding'; readonly size_us: number; readonly resolution_us: number }
  | { readonly kind: 'session'; readonly gap_us: number }
  | { readonly kind: 'unbounded' };

export type AggregateSpec =
  | { readonly function: 'count' }
  | { readonly function: 'timeSinceLast' }
  | { readonly function: 'countOf' | 'distinctCount' | 'approxDistinctCount'; readonly value: ExpressionSpec }
  | {
      readonly function: 'sum' | 'mean' | 'min' | 'max' | 'first' | 'last' | 'ratio';
      readonly value: ExpressionSpec;
    }
  | { readonly function: 'variance' | 'stddev'; readonly population: boolean; readonly value: ExpressionSpec }
  | {
      readonly function: 'firstN' | 'lastN' | 'lastDistinct' | 'topK' | 'topValues' | 'bottomValues';
      readonly limit: number;
      readonly value: ExpressionSpec;
    }
  | { readonly function: 'percentile'; readonly fraction: number; readonly value: ExpressionSpec }
  | { readonly function: 'histogram'; readonly bounds: readonly Scalar[]; readonly value: ExpressionSpec };

export interface FeatureSpec {
  readonly name: string;
  /** The input, as the view names it. */
  readonly input: string;
  readonly aggregate: AggregateSpec;
  readonly where: ExpressionSpec | null;
  readonly window: WindowSpec;
  /** The value where SQL has null. */
  readonly fallback: Scalar | null;
}

/** A feature computed from numbers that other features give. */
export interface DerivedSpec {
  readonly name: string;
  /**
   * - `quotient`: left / right as a double.
   * - `isMore`: whether left > right, both as doubles.
   * - `orZero`: left as a double, 0 where it is null.
   * - `larger`: the larger of both as a double; right where left is null.
   */
  readonly function: 'quotient' | 'isMore' | 'orZero' | 'larger';
  readonly left: string;
  readonly right: string;
}

export interface InputSpec {
  readonly alias: string;
  readonly table: TableSpec;
  /** Which columns hold the parts of the entity key, in its order. */
  readonly keyColumns: readonly string[];
}

export type EmitSpec =
  { readonly kind: 'changes' | 'closed' } | { readonly kind: 'every'; readonly interval_us: number };

export interface ViewSpec {
  readonly name: string;
  readonly inputs: readonly InputSpec[];
  readonly features: readonly FeatureSpec[];
  /** Behind the features, in the view's order. */
  readonly derived: readonly DerivedSpec[];
  readonly emit: EmitSpec;
}

export interface EntitySpec {
  readonly name: string;
  readonly key: readonly { readonly name: string; readonly kind: 'int32' | 'int64' | 'text' }[];
  readonly partitions: number;
  readonly tables: readonly TableSpec[];
  readonly views: readonly ViewSpec[];
}

/** Cells by the names of their columns, in the runtime form of {@link Scalar}. */
export type OracleRow = Readonly<Record<string, Cell>>;
