/**
 * The plan: definitions as the stream needs them: names resolved to indexes, durations to microseconds, expressions to
 * functions over rows. Made once at start, by {@link plan}; `validate.ts` has already refused what is wrong.
 */
import type { ColumnType, Value } from './column.ts';
import type { AggregateFunction } from './aggregate.ts';
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

export interface FeaturePlan {
  readonly name: string;
  readonly function: AggregateFunction;
  /** Index into {@link EntityPlan.inputs}. */
  readonly input: number;
  /** Null for `count`. */
  readonly value: ((row: Row) => Value) | null;
  /** Null when every row counts. */
  readonly where: ((row: Row) => boolean) | null;
  readonly window: Window;
  readonly type: ColumnType;
  readonly fallback: Value;
}

export interface ViewPlan {
  readonly name: string;
  /** Index in {@link EntityPlan.views}; feature-log frames carry it. */
  readonly index: number;
  readonly features: readonly FeaturePlan[];
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
