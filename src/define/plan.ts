/**
 * The plan: definitions as the stream needs them: names resolved to indexes, durations to microseconds, expressions to
 * functions over rows. Made once at start, by {@link plan}; `validate.ts` has already refused what is wrong.
 */
import type { ColumnType, Scalar, Value, ValueType } from './column.ts';
import type { KeyField, KeyTemplate } from './key.ts';
import type { Encoding, RecordPolicy } from './table.ts';
import type { Window } from './window.ts';

/** A row: the declared columns' values in the order of the declaration. */
export type Row = readonly Value[];

export interface ColumnPlan {
  readonly name: string;
  readonly type: ColumnType;
  readonly nullable: boolean;
}

export interface TablePlan {
  readonly name: string;
  readonly topic: string;
  readonly heartbeatTopic: string;
  readonly encoding: Encoding;
  readonly columns: readonly ColumnPlan[];
  readonly primaryKey: readonly number[];
  readonly replicaIdentity: 'full' | 'default';
  readonly onError: RecordPolicy;
  readonly snapshots: 'refuse' | 'ignore';
  /** Rows are only ever inserted: an update or a delete is refused as unusable. */
  readonly appendOnly: boolean;
  /** Null for a table without event time. */
  readonly time: TimePlan | null;
  /** Hash of name and columns: a frame that carries another was written by another definition. */
  readonly columnSet: number;
}

export interface TimePlan {
  readonly column: number;
  readonly outOfOrderness_us: number;
  readonly maxAhead_us: number;
  readonly idleTimeout_us: number;
  readonly allowedLateness_us: number;
}

/** A table as one view family reads it: which columns hold the entity key. */
export interface InputPlan {
  /** Index into {@link EntityPlan.tables}. */
  readonly table: number;
  /** Column indexes of the key's parts, in the key's order. */
  readonly keyColumns: readonly number[];
}

/**
 * What an aggregate keeps of the rows of a pane, as data. `type` is that of the value. `keep` says which values are enough where rows
 * are never taken back (an append-only table): null keeps all, so that any can be taken back.
 */
export type AggregateState =
  /** How many rows; with a value, how many that are not null. */
  | { readonly kind: 'count' }
  /** The exact sum and how many values; for sum and mean. */
  | { readonly kind: 'sum'; readonly type: ColumnType }
  /** Exact n, Σx, Σx²; for variance and stddev. */
  | { readonly kind: 'moments'; readonly type: ColumnType }
  /** How many of a condition's values are true, and how many are not null. */
  | { readonly kind: 'ratio' }
  /** How many values are below each bound and not below the one before; bounds ascend, in the value's runtime form. */
  | { readonly kind: 'histogram'; readonly type: ColumnType; readonly bounds: readonly Scalar[] }
  /** A multiset in the order of values; for min, max, topValues, bottomValues, distinctCount. */
  | {
      readonly kind: 'values';
      readonly type: ColumnType;
      readonly keep: { readonly end: 'lowest' | 'highest'; readonly limit: number } | null;
    }
  /** A multiset in the order of how often a value is there; for topK. */
  | { readonly kind: 'frequencies'; readonly type: ColumnType }
  /** A multiset that becomes a sketch of relative accuracy beyond so many values; for percentile. */
  | { readonly kind: 'quantiles'; readonly type: ColumnType; readonly exactLimit: number; readonly accuracy: number }
  /** Values in the order of (event time, primary key); for first, last, firstN, lastN. */
  | {
      readonly kind: 'ordered';
      readonly type: ColumnType;
      readonly keep: { readonly end: 'first' | 'last'; readonly limit: number } | null;
    }
  /** Distinct values in the order of their newest row; for lastDistinct. */
  | { readonly kind: 'recent'; readonly type: ColumnType; readonly appendOnly: boolean }
  /** The event times of rows; for timeSinceLast. */
  | { readonly kind: 'times'; readonly appendOnly: boolean }
  /** HyperLogLog with 2^precision registers; append-only tables only. */
  | { readonly kind: 'hyperloglog'; readonly type: ColumnType; readonly precision: number };

/** One aggregation over rows of one input. Features and windows of a view that need the same share it. */
export interface AggregatePlan {
  /** Stands for all of it: equal ids are the same aggregation. */
  readonly id: string;
  /** Index into {@link EntityPlan.inputs}. */
  readonly input: number;
  readonly state: AggregateState;
  /** Null where the rows themselves count. */
  readonly value: ((row: Row) => Value) | null;
  /** Null when every row counts. */
  readonly where: ((row: Row) => boolean) | null;
}

/** What a feature shows of its aggregate's state. Null stands for empty, unless said otherwise. */
export type ResultPlan =
  | { readonly function: 'count' | 'distinctCount' | 'approxDistinctCount' }
  /** `scale` is how many digits the value's runtime form has behind the point: 0 for integers; null for float64. */
  | { readonly function: 'sum' | 'mean'; readonly scale: number | null }
  | {
      readonly function: 'variance' | 'stddev';
      readonly population: boolean;
      readonly scale: number | null;
    }
  | { readonly function: 'ratio' | 'min' | 'max' | 'first' | 'last' | 'histogram' }
  | {
      readonly function: 'topK' | 'topValues' | 'bottomValues' | 'firstN' | 'lastN' | 'lastDistinct';
      readonly limit: number;
    }
  | { readonly function: 'percentile'; readonly fraction: number; readonly scale: number | null }
  /** Seconds from the newest row to T. */
  | { readonly function: 'timeSinceLast' };

interface FeatureBase {
  readonly name: string;
  readonly type: ValueType;
  /** The value where SQL has null. */
  readonly fallback: Value;
}

export interface AggregatedFeature extends FeatureBase {
  readonly kind: 'aggregated';
  /** Index into {@link ViewPlan.aggregates}. */
  readonly aggregate: number;
  readonly window: Window;
  readonly result: ResultPlan;
}

/** Computed from features before it. */
export interface DerivedFeature extends FeatureBase {
  readonly kind: 'derived';
  /** @param features the view's values so far, in the order of {@link ViewPlan.features}. */
  readonly derive: (features: Row) => Value;
}

export type FeaturePlan = AggregatedFeature | DerivedFeature;

/** When a view's values are given out. */
export type EmitPlan =
  /** Whenever a row or time changes them. */
  | { readonly kind: 'changes' }
  /** Once for each window, when it closes: all windows of the view are one tumbling or one session window. */
  | { readonly kind: 'closed' }
  /** At most once per key in each such interval, aligned to 1970; then the newest. */
  | { readonly kind: 'every'; readonly interval_us: number };

export interface ViewPlan {
  readonly name: string;
  /** Index in {@link EntityPlan.views}; feature-log frames carry it. */
  readonly index: number;
  /** Derived features stand behind all that they are computed from. */
  readonly features: readonly FeaturePlan[];
  readonly aggregates: readonly AggregatePlan[];
  readonly emit: EmitPlan;
  /** Inputs that the view reads, by index. */
  readonly inputs: readonly number[];
  readonly online: KeyTemplate;
  /** Largest `allowedLateness` of the tables that the view reads. */
  readonly allowedLateness_us: number;
  /** The view's version: a stable hash of all that decides its values. */
  readonly hash: string;
}

export interface EntityPlan {
  readonly name: string;
  readonly key: readonly KeyField[];
  readonly partitions: number;
  readonly generation: number;
  /** In the order of their topics. */
  readonly tables: readonly TablePlan[];
  /** At most 12 per table. In the order of table and key columns. */
  readonly inputs: readonly InputPlan[];
  /** In the order of their names. */
  readonly views: readonly ViewPlan[];
}

/** All entities, in the order of their names. */
export interface Plan {
  readonly entities: readonly EntityPlan[];
}
