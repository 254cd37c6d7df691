/** Each aggregate in DuckDB's SQL, over the rows of a window. */
import type { AggregateCall } from '../aggregate.ts';
import { meaningOf } from '../aggregate-plan.ts';
import type { ColumnType, Scalar } from '../column.ts';
import { sqlLiteral, sqlType } from '../functions/sql-text.ts';
import { literalValue } from '../literal.ts';

/** What is aggregated. */
export interface Aggregation {
  readonly call: AggregateCall;
  /** Null where rows count. */
  readonly value: { readonly sql: string; readonly type: ColumnType } | null;
  /** Null where every row counts. */
  readonly where: string | null;
  readonly primaryKey: readonly string[];
}

/**
 * Either an expression over the rows of a group (`of: 'rows'`), or a query of its own that gives `_ask` and the value (`of: 'values'`).
 */
export type AggregateSql =
  { readonly of: 'rows'; readonly sql: string } | { readonly of: 'values'; readonly sql: (rows: string) => string };

export function aggregateSql({ call, value, where, primaryKey }: Aggregation): AggregateSql {
  const of = value === null ? null : { ...value, sql: withoutNegativeZero(value.sql, value.type) };
  const terms = new Terms(of?.sql ?? null, where, primaryKey);
  switch (call.function) {
    case 'lastDistinct':
      return valuesQuery(terms, `max(row(${['_et', ...primaryKey].join(', ')}))`, '_o DESC', call.limit);
    case 'topK':
      return valuesQuery(terms, 'count(*)', '_o DESC, _v', call.limit);
    default:
      return { of: 'rows', sql: rowsSql(call, terms, of?.type ?? null) };
  }
}

/** Zero is one value. */
function withoutNegativeZero(sql: string, type: ColumnType): string {
  return type.kind === 'float64' ? `(${sql} + CAST(0 AS DOUBLE))` : sql;
}

/** The parts that aggregates are made of. */
class Terms {
  readonly value: string;
  private readonly where: string | null;
  private readonly valueOrNull: string | null;
  private readonly primaryKey: readonly string[];

  constructor(value: string | null, where: string | null, primaryKey: readonly string[]) {
    this.value = value ?? '';
    this.valueOrNull = value;
    this.where = where;
    this.primaryKey = primaryKey;
  }

  /** An aggregate of the rows that count, and for which all of these hold. */
  filtered(aggregate: string, ...conditions: readonly string[]): string {
    const all = this.conditions(...conditions);
    return all.length === 0 ? aggregate : `${aggregate} FILTER (WHERE ${all.join(' AND ')})`;
  }

  /** Only of values that are not null. */
  ofValues(aggregate: string): string {
    return this.filtered(aggregate, `${this.value} IS NOT NULL`);
  }

  conditions(...more: readonly string[]): string[] {
    return [...(this.where === null ? [] : [this.where]), ...more];
  }

  get count(): string {
    return this.filtered(this.valueOrNull === null ? 'count(*)' : `count(${this.valueOrNull})`);
  }

  /** Rows by event time, then primary key. */
  order(direction: '' | ' DESC'): string {
    return ['_et', ...this.primaryKey].map((part) => part + direction).join(', ');
  }

  /** The first so many in an order. */
  list(order: string, limit: number): string {
    return `(${this.ofValues(`list(${this.value} ORDER BY ${order})`)})[1:${limit}]`;
  }
}

function rowsSql(
  call: Exclude<AggregateCall, { readonly function: 'lastDistinct' | 'topK' }>,
  terms: Terms,
  type: ColumnType | null,
): string {
  const { value } = terms;
  switch (call.function) {
    case 'count':
      return terms.count;
    case 'distinctCount':
    case 'approxDistinctCount':
      return terms.filtered(`count(DISTINCT ${value})`);
    case 'min':
    case 'max':
      return terms.filtered(`${call.function}(${value})`);
    case 'first':
      return terms.ofValues(`first(${value} ORDER BY ${terms.order('')})`);
    case 'last':
      return terms.ofValues(`first(${value} ORDER BY ${terms.order(' DESC')})`);
    case 'firstN':
      return terms.list(terms.order(''), call.limit);
    case 'lastN':
      return terms.list(terms.order(' DESC'), call.limit);
    case 'topValues':
      return terms.list(`${value} DESC`, call.limit);
    case 'bottomValues':
      return terms.list(value, call.limit);
    case 'timeSinceLast':
      return `(max(_t) - ${terms.filtered('max(_et)')}) / 1e6`;
    case 'ratio':
      return `${terms.filtered('count(*)', value)} / nullif(${terms.count}, 0)`;
    default:
      return numbersSql(call, terms, type!);
  }
}

type NumberFunction = 'sum' | 'mean' | 'variance' | 'stddev' | 'percentile' | 'histogram';

function numbersSql(
  call: Extract<AggregateCall, { readonly function: NumberFunction }>,
  terms: Terms,
  type: ColumnType,
): string {
  switch (call.function) {
    case 'sum': {
      if (type.kind === 'float64') return ofDoubles(terms, 'fsum');
      const resultType = meaningOf(call, type, false).type;
      return `CAST(${terms.filtered(`sum(${terms.value})`)} AS ${sqlType(resultType)})`;
    }
    case 'mean':
      return type.kind === 'float64' ? ofDoubles(terms, 'favg') : terms.filtered(`avg(${terms.value})`);
    case 'variance':
    case 'stddev':
      return spreadSql(call, terms, type);
    case 'percentile': {
      const double = `CAST(${terms.value} AS DOUBLE)`;
      const rank = `CAST(greatest(1, ceil(${doubleSql(call.fraction)} * ${terms.count})) AS BIGINT)`;
      return `(${terms.ofValues(`list(${double} ORDER BY ${double})`)})[${rank}]`;
    }
    case 'histogram': {
      const bounds = call.bounds.map((bound) => sqlLiteral(literalValue(bound, type), type));
      return histogramSql(terms, bounds);
    }
  }
}

const doubleSql = (value: number): string => sqlLiteral(value, { kind: 'float64' });

/** What is not finite follows IEEE 754, which a compensated sum does not. */
function ofDoubles(terms: Terms, name: 'fsum' | 'favg'): string {
  const { value } = terms;
  const wild = terms.filtered(`bool_or(NOT isfinite(${value}))`);
  return `CASE WHEN ${wild} THEN ${terms.filtered(`sum(${value})`)} ELSE ${terms.filtered(`${name}(${value})`)} END`;
}

function spreadSql(
  { function: name, population }: Extract<AggregateCall, { readonly function: 'variance' | 'stddev' }>,
  terms: Terms,
  type: ColumnType,
): string {
  const { value } = terms;
  const word = `${name === 'variance' ? 'var' : 'stddev'}_${population ? 'pop' : 'samp'}`;
  if (type.kind !== 'float64') return terms.filtered(`${word}(${value})`);
  const wild = `${terms.count} > ${population ? 0 : 1} AND ${terms.filtered(`bool_or(NOT isfinite(${value}))`)}`;
  const finite = terms.filtered(`${word}(${value})`, `isfinite(${value})`);
  return `CASE WHEN ${wild} THEN ${doubleSql(Number.NaN)} ELSE ${finite} END`;
}

function histogramSql(terms: Terms, bounds: readonly string[]): string {
  const { value } = terms;
  const buckets = [null, ...bounds].map((low, i) => {
    const high = bounds[i];
    const edges = [low === null ? [] : [`${value} >= ${low}`], high === undefined ? [] : [`${value} < ${high}`]];
    return terms.filtered('count(*)', ...edges.flat());
  });
  return `CASE WHEN ${terms.count} > 0 THEN [${buckets.join(', ')}] END`;
}

/** Distinct values in an order of their own. */
function valuesQuery(terms: Terms, rank: string, order: string, limit: number): AggregateSql {
  const conditions = terms.conditions(`${terms.value} IS NOT NULL`).join(' AND ');
  return {
    of: 'values',
    sql: (rows) =>
      `SELECT _ask, list(_v ORDER BY ${order})[1:${limit}] AS _value FROM (
  SELECT _ask, ${terms.value} AS _v, ${rank} AS _o FROM ${rows} WHERE ${conditions} GROUP BY 1, 2
) GROUP BY _ask`,
  };
}

/** A value of a feature as a literal. */
export function valueSql(
  value: Scalar | readonly Scalar[],
  type: ColumnType | { kind: 'list'; element: ColumnType },
): string {
  if (type.kind !== 'list') return sqlLiteral(value as Scalar, type);
  const elements = (value as readonly Scalar[]).map((element) => sqlLiteral(element, type.element));
  return `CAST([${elements.join(', ')}] AS ${sqlType(type)})`;
}
