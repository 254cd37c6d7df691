/**
 * The language in which features are defined.
 * @module millrace
 */
export { boolean, date, decimal, float64, int32, int64, text, timestamp, timestamptz } from './define/column.ts';
export type {
  Column,
  Kind,
  ListKind,
  NumericKind,
  TimeKind,
  Timestamp,
  TypeOf,
  TypeOfKind,
  ValueKind,
} from './define/column.ts';
export type { Duration } from './define/duration.ts';
export { entity } from './define/entity.ts';
export type { Entity, EntityOptions, KeyFields, KeyKind } from './define/entity.ts';
export { debezium } from './define/table.ts';
export type {
  Columns,
  Connector,
  DebeziumOptions,
  DerivedColumns,
  Encoding,
  EventTimeOptions,
  Input,
  RecordPolicy,
  Table,
  TableOptions,
} from './define/table.ts';
export { and, eq, ge, gt, isNull, le, lt, ne, not, or } from './define/expression.ts';
export type { Condition, Expression, Literal, Operand } from './define/expression.ts';
export { abs, add, div, mod, mul, neg, sub } from './define/expressions/arithmetic.ts';
export { custom, toFloat64, toText } from './define/expressions/cast.ts';
export { between, caseWhen, coalesce, inList, literal } from './define/expressions/conditional.ts';
export { concat, contains, length, lower, startsWith, substring, trim, upper } from './define/expressions/text.ts';
export { dayOfWeek, hourOf, secondsBetween, truncateTo } from './define/expressions/time.ts';
export { approxDistinctCount, count, distinctCount, ratio, topK } from './define/aggregates/counting.ts';
export type { ApproxDistinctCountOptions } from './define/aggregates/counting.ts';
export { histogram, mean, percentile, stddev, sum, variance } from './define/aggregates/numbers.ts';
export type { PercentileOptions, SpreadOptions } from './define/aggregates/numbers.ts';
export { first, firstN, last, lastDistinct, lastN, latest, timeSinceLast } from './define/aggregates/ordered.ts';
export { bottomValues, max, min, topValues } from './define/aggregates/values.ts';
export type { LimitOptions } from './define/aggregates/values.ts';
export type { Aggregate, AggregateOptions, Feature, InputReference } from './define/aggregate.ts';
export { hopping, session, sliding, tumbling, unbounded } from './define/window.ts';
export type {
  HoppingWindow,
  SessionWindow,
  SlidingOptions,
  SlidingWindow,
  TumblingWindow,
  UnboundedWindow,
  Window,
} from './define/window.ts';
export { featureView } from './define/view.ts';
export type { Emit, Features, FeatureSet, FeatureView, FeatureViewOptions } from './define/view.ts';
export { InvalidError, MillraceError } from './errors.ts';
export type { ErrorCode } from './errors.ts';
