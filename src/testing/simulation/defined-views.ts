/** The public language's definitions of what is specified as plain data. */
import { approxDistinctCount, count, distinctCount, ratio, topK } from '../../define/aggregates/counting.ts';
import { histogram, mean, percentile, stddev, sum, variance } from '../../define/aggregates/numbers.ts';
import { first, firstN, last, lastDistinct, lastN, timeSinceLast } from '../../define/aggregates/ordered.ts';
import { bottomValues, max, min, topValues } from '../../define/aggregates/values.ts';
import type { Feature, InputReference } from '../../define/aggregate.ts';
import {
  boolean,
  date,
  decimal,
  float64,
  int32,
  int64,
  text,
  timestamp,
  timestamptz,
  type Column,
} from '../../define/column.ts';
import { entity } from '../../define/entity.ts';
import type { Duration } from '../../define/duration.ts';
import {
  and,
  eq,
  ge,
  gt,
  isNull,
  le,
  lt,
  ne,
  not,
  or,
  type Condition,
  type Expression,
} from '../../define/expression.ts';
import { div } from '../../define/expressions/arithmetic.ts';
import { toFloat64 } from '../../define/expressions/cast.ts';
import { caseWhen, coalesce } from '../../define/expressions/conditional.ts';
import type { Plan } from '../../define/plan.ts';
import { buildPlan } from '../../define/plan-builder.ts';
import { debezium, type Input, type Table } from '../../define/table.ts';
import { formatValue } from '../../define/value.ts';
import { featureView, type Emit, type FeatureView } from '../../define/view.ts';
import { hopping, session, sliding, tumbling, unbounded, type Window } from '../../define/window.ts';
import type {
  AggregateSpec,
  ColumnSpec,
  DerivedSpec,
  EmitSpec,
  EntitySpec,
  ExpressionSpec,
  FeatureSpec,
  InputSpec,
  Scalar,
  TableSpec,
  TypeSpec,
  ViewSpec,
  WindowSpec,
} from './naive-oracle/spec.ts';

/** The compiler cannot know the types of what is chosen at run time: these stand for all. */
type Value = Expression<'int64', true>;
type Call = (value: Value, options: object) => Aggregating;
type Handles = Readonly<Record<string, Expression>>;

/** @param prefix the connector's `topic.prefix`. */
export function planOf(spec: EntitySpec, prefix: string): Plan {
  return buildPlan(Object.fromEntries(viewsOf(spec, prefix).map((view) => [view.name, view])));
}

export function viewsOf(spec: EntitySpec, prefix: string): FeatureView[] {
  const shop = debezium({ prefix, decimals: 'string', times: 'microseconds' });
  const tables = new Map(spec.tables.map((table) => [table, tableOf(shop, table)]));
  const keys = { int32, int64, text };
  const key = Object.fromEntries(spec.key.map(({ name, kind }) => [name, keys[kind]()]));
  const owner = entity(spec.name, { key, partitions: spec.partitions });
  return spec.views.map((view) => {
    const from = view.inputs.map((input): [string, Input] => [input.alias, inputOf(spec, input, tables)]);
    return featureView(view.name, {
      entity: owner,
      from: Object.fromEntries(from) as never,
      features: (inputs: Readonly<Record<string, Handles>>) =>
        Object.fromEntries(view.features.map((feature) => [feature.name, featureOf(feature, inputs, view)])),
      derive: (features) =>
        Object.fromEntries(
          view.derived.map((derived) => [derived.name, derivedOf(derived, features as never)]),
        ) as never,
      emit: emitOf(view.emit),
    });
  });
}

function tableOf(shop: ReturnType<typeof debezium>, spec: TableSpec): Table {
  return shop.table(spec.name, {
    columns: Object.fromEntries(spec.columns.map((column) => [column.name, columnOf(column)])),
    primaryKey: spec.primaryKey,
    replicaIdentity: 'full',
    appendOnly: spec.appendOnly,
    time: {
      event: spec.eventTime as never,
      outOfOrderness: durationOf(spec.outOfOrderness_us),
      maxAhead: durationOf(spec.maxAhead_us),
      idleTimeout: durationOf(spec.idleTimeout_us),
      allowedLateness: durationOf(spec.allowedLateness_us),
    },
  });
}

function inputOf({ key }: EntitySpec, spec: InputSpec, tables: ReadonlyMap<TableSpec, Table>): Input {
  return tables.get(spec.table)!.by(Object.fromEntries(key.map(({ name }, i) => [name, spec.keyColumns[i]!])) as never);
}

function columnOf({ type, nullable }: ColumnSpec): Column {
  const column = typeOf(type);
  return nullable ? column.nullable() : column;
}

function typeOf(type: TypeSpec): Column {
  switch (type.kind) {
    case 'decimal':
      return decimal(type.precision, type.scale);
    case 'timestamp':
      return timestamp(type.precision);
    default:
      return { boolean, date, float64, int32, int64, text, timestamptz }[type.kind]();
  }
}

const durationOf = (time_us: number): Duration => `${time_us / 1000}ms` as Duration;

function emitOf(spec: EmitSpec): Emit {
  return spec.kind === 'every' ? { every: durationOf(spec.interval_us) } : spec.kind;
}

function windowOf(spec: WindowSpec): Window {
  switch (spec.kind) {
    case 'tumbling':
      return tumbling(durationOf(spec.size_us));
    case 'hopping':
      return hopping(durationOf(spec.size_us), durationOf(spec.hop_us));
    case 'sliding':
      return sliding(durationOf(spec.size_us), { resolution: durationOf(spec.resolution_us) });
    case 'session':
      return session(durationOf(spec.gap_us));
    case 'unbounded':
      return unbounded();
  }
}

function featureOf(spec: FeatureSpec, inputs: Readonly<Record<string, Handles>>, view: ViewSpec): Feature {
  const handles = inputs[spec.input]!;
  const { table } = view.inputs.find(({ alias }) => alias === spec.input)!;
  const options = spec.where === null ? {} : { where: expressionOf(spec.where, handles) as Condition };
  const feature = aggregateOf(spec.aggregate, handles, table, options).over(windowOf(spec.window));
  const { aggregate } = spec;
  if (spec.fallback === null || !('value' in aggregate)) return feature;
  return feature.default(literalOf(typeOfValue(aggregate.value, table), spec.fallback));
}

interface Aggregating {
  over(window: Window): Feature;
}

function aggregateOf(spec: AggregateSpec, handles: Handles, table: TableSpec, options: object): Aggregating {
  if (spec.function === 'count' || spec.function === 'timeSinceLast') {
    const rows = { count, timeSinceLast }[spec.function] as (of: InputReference<true>, options: object) => Aggregating;
    return rows(handles as unknown as InputReference<true>, options);
  }
  const value = expressionOf(spec.value, handles) as Value;
  switch (spec.function) {
    case 'countOf':
      return count(value, options);
    case 'topK':
      return topK(value, { ...options, k: spec.limit });
    case 'percentile':
      return percentile(value, spec.fraction, options);
    case 'histogram': {
      const bounds = spec.bounds.map((bound) => literalOf(typeOfValue(spec.value, table), bound));
      return histogram(value, bounds as never, options);
    }
    default: {
      const { value: _, function: name, ...more } = spec;
      return calls[name]!(value, { ...options, ...more });
    }
  }
}

const calls = {
  ...{ sum, mean, min, max, first, last, ratio, variance, stddev, distinctCount, approxDistinctCount },
  ...{ firstN, lastN, lastDistinct, topValues, bottomValues },
} as unknown as Readonly<Record<string, Call>>;

function typeOfValue(value: ExpressionSpec, table: TableSpec): TypeSpec {
  return value.op === 'column' ? table.columns.find(({ name }) => name === value.name)!.type : { kind: 'boolean' };
}

/** As people write it: decimals, dates and times are text. */
function literalOf(type: TypeSpec, value: Scalar): Scalar {
  const isText = ['decimal', 'timestamp', 'timestamptz', 'date'].includes(type.kind);
  return isText ? formatValue(type, value)! : value;
}

function expressionOf(spec: ExpressionSpec, handles: Handles): Expression {
  switch (spec.op) {
    case 'column':
      return handles[spec.name]!;
    case 'literal':
      throw new RangeError('a literal stands beside a column');
    case 'and':
    case 'or':
      return { and, or }[spec.op](...spec.terms.map((term) => expressionOf(term, handles) as Condition));
    case 'not':
      return not(expressionOf(spec.term, handles) as Condition);
    case 'isNull':
      return isNull(expressionOf(spec.term, handles) as Value);
    default: {
      const { right } = spec;
      const other = right.op === 'literal' ? literalOf(right.type, right.value) : expressionOf(right, handles);
      return { eq, ne, lt, le, gt, ge }[spec.op](expressionOf(spec.left, handles) as Value, other as never);
    }
  }
}

function derivedOf(spec: DerivedSpec, features: Readonly<Record<string, Value>>): Expression {
  const [left, right] = [toFloat64(features[spec.left]!), toFloat64(features[spec.right]!)];
  switch (spec.function) {
    case 'quotient':
      return div(features[spec.left]!, features[spec.right]!);
    case 'isMore':
      return gt(left, right);
    case 'orZero':
      return coalesce(left, 0);
    case 'larger':
      return caseWhen([[gt(left, right), left]], right);
  }
}
