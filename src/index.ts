/** The language in which features are defined. */
export { boolean, date, decimal, float64, int32, int64, text, timestamp, timestamptz } from './define/column.ts';
export type { Column, Timestamp } from './define/column.ts';
export type { Duration } from './define/duration.ts';
export { entity } from './define/entity.ts';
export type { Entity, EntityOptions } from './define/entity.ts';
export { debezium } from './define/table.ts';
export type { Connector, DebeziumOptions, EventTimeOptions, Table, TableOptions } from './define/table.ts';
export { and, eq, ge, gt, isNull, le, lt, ne, not, or } from './define/expression.ts';
export type { Expression } from './define/expression.ts';
export { count, max, min } from './define/aggregate.ts';
export type { Aggregate, AggregateOptions, Feature } from './define/aggregate.ts';
export { tumbling } from './define/window.ts';
export type { Window } from './define/window.ts';
export { featureView } from './define/view.ts';
export type { Features, FeatureView, FeatureViewOptions } from './define/view.ts';
export { InvalidError, MillraceError } from './errors.ts';
export type { ErrorCode } from './errors.ts';
