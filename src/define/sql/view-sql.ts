/** A view as one query: what its values must be, from the rows alone. */
import type { Feature } from '../aggregate.ts';
import { meaningOf } from '../aggregate-plan.ts';
import type { ColumnType, ValueType } from '../column.ts';
import { compile, type Compiled } from '../compile.ts';
import { nodesOf, type ExpressionNode } from '../expression.ts';
import { mostDigits } from '../functions/signature.ts';
import { quoteName } from '../functions/sql-text.ts';
import { defaultValue } from '../literal.ts';
import type { Table } from '../table.ts';
import type { FeatureView } from '../view.ts';
import { aggregateSql, valueSql } from './aggregate-sql.ts';
import { askedRelation, indent, windowSql } from './window-sql.ts';

/** A feature that SQL can compute. */
interface Provable {
  readonly name: string;
  readonly type: ValueType;
  /** Over the relations of {@link Query}. */
  readonly sql: string;
}

/** What keeps a feature from being computed by SQL. */
class Unprovable extends Error {}

/**
 * The query that gives the view's values, for DuckDB. It reads the tables under their own names (`"public"."transactions"`), with the
 * columns that are declared: live rows only, timestamps as `TIMESTAMP` in UTC. And it reads `asked`: the fields of the entity key, and `t`, the
 * instant in microseconds since 1970 (BIGINT), such as `epoch_us(event_timestamp)` of the Parquet files. For each row of `asked` it gives the
 * key, `_t` and the features that SQL can compute; the others are named in its comments. Integers, decimals, texts and lists are equal to
 * the engine's, doubles but for their last bits.
 * @throws RangeError when the definition has faults; `buildPlan` names them.
 */
export function viewSql(view: FeatureView): string {
  const query = new Query(view);
  const unprovable: string[] = [];
  const attempt = <T>(name: string, run: () => T): T[] => {
    try {
      return [run()];
    } catch (error) {
      if (!(error instanceof Unprovable)) throw error;
      unprovable.push(`-- not in SQL: ${name}: ${error.message}`);
      return [];
    }
  };
  const features = Object.entries(view.features).flatMap(([name, feature]) =>
    attempt(name, () => query.feature(name, feature)),
  );
  const derived = Object.entries(view.derived).flatMap(([name, { node }]) =>
    attempt(name, () => derivedSql(name, node, view, features)),
  );
  const notes = Object.entries(view.features).flatMap(([name, { aggregate }]) => noteOf(name, aggregate.call));
  const head = [`-- View ${view.name}: its values as of each (key, t) of the relation asked.`, ...notes, ...unprovable];
  return `${[...head, query.text(features, derived)].join('\n')}\n`;
}

function noteOf(name: string, call: Feature['aggregate']['call']): string[] {
  if (call.function !== 'percentile') return [];
  return [
    `-- ${name}: equal while no pane has more than ${call.exactLimit} different values, else within ${call.accuracy}.`,
  ];
}

class Query {
  private readonly view: FeatureView;
  private readonly keys: readonly string[];
  /** The rows of each input and window, by their SQL. */
  private readonly rows = new Map<string, string>();
  /** Per relation of rows, its aggregates as columns. */
  private readonly columns = new Map<string, string[]>();
  /** Queries of their own, by name. */
  private readonly lists = new Map<string, string>();

  constructor(view: FeatureView) {
    this.view = view;
    this.keys = Object.keys(view.entity.key).map(quoteName);
  }

  feature(name: string, { aggregate, window, fallback }: Feature): Provable {
    const input = this.view.inputs[aggregate.input];
    if (input === undefined) throw new RangeError(`${name} reads "${aggregate.input}", which is not in from`);
    const { call, value, where } = aggregate;
    if (call.function === 'approxDistinctCount')
      throw new Unprovable('a sketch is near the exact count, not equal to it');
    const compiled = value === null ? null : provable(value, input.table);
    const { type, empty } = meaningOf(call, compiled?.type ?? null, input.table.appendOnly);
    const sql = aggregateSql({
      call,
      value: compiled,
      where: where === null ? null : provable(where, input.table).sql,
      primaryKey: input.table.primaryKey.map(quoteName),
    });
    const column = this.columnOf(name, this.rowsOf(windowSql(input, window)), sql);
    const otherwise = empty ?? (fallback === null ? null : defaultValue(fallback, type));
    const whole = otherwise === null ? column : `coalesce(${column}, ${valueSql(otherwise, type)})`;
    return { name, type, sql: whole };
  }

  private rowsOf(sql: string): string {
    const name = this.rows.get(sql) ?? `_rows_${this.rows.size + 1}`;
    this.rows.set(sql, name);
    return name;
  }

  /** Where the value of an aggregate is found. */
  private columnOf(name: string, rows: string, sql: ReturnType<typeof aggregateSql>): string {
    if (sql.of === 'values') {
      const relation = `_list_${this.lists.size + 1}`;
      this.lists.set(relation, sql.sql(rows));
      return `${relation}._value`;
    }
    const columns = this.columns.get(rows) ?? [];
    this.columns.set(rows, [...columns, `${sql.sql} AS ${quoteName(name)}`]);
    return `${valuesOf(rows)}.${quoteName(name)}`;
  }

  text(features: readonly Provable[], derived: readonly Provable[]): string {
    const asked = `SELECT row_number() OVER () AS _ask, ${this.keys.join(', ')}, t AS _t FROM asked`;
    const grouped = [...this.columns].map(([rows, columns]): [string, string] => [
      valuesOf(rows),
      `SELECT\n${indent(['_ask', ...columns].join(',\n'))}\nFROM ${rows} GROUP BY _ask`,
    ]);
    const rows = [...this.rows].map(([sql, name]): [string, string] => [name, sql]);
    const relations: [string, string][] = [...rows, ...grouped, ...this.lists];
    const definitions = [
      `${askedRelation} AS MATERIALIZED (\n${indent(asked)}\n)`,
      ...relations.map(([name, sql]) => `${name} AS (\n${indent(sql)}\n)`),
    ];
    const joins = [...grouped.map(([name]) => name), ...this.lists.keys()].map(
      (name) => `LEFT JOIN ${name} USING (_ask)`,
    );
    const columns = [...this.keys, '_t', ...features.map(({ name, sql }) => `${sql} AS ${quoteName(name)}`)];
    const select = [`SELECT\n${indent(columns.join(',\n'))}`, `FROM ${askedRelation}`, ...joins].join('\n');
    return `WITH ${definitions.join(',\n')}\n${withDerived(select, derived)}`;
  }
}

const valuesOf = (rows: string): string => rows.replace('_rows_', '_values_');

function withDerived(select: string, derived: readonly Provable[]): string {
  if (derived.length === 0) return select;
  const columns = derived.map(({ name, sql }) => `${sql} AS ${quoteName(name)}`);
  return `SELECT *,\n${indent(columns.join(',\n'))}\nFROM (\n${indent(select)}\n)`;
}

function provable(node: ExpressionNode, table: Table): { readonly sql: string; readonly type: ColumnType } {
  const columns = Object.entries(table.columns).map(([name, { type }]) => ({ name, type }));
  const wide = nodesOf(node).find((each) => {
    const type = each.op === 'column' ? table.columns[each.name]?.type : null;
    return type?.kind === 'decimal' && type.precision > mostDigits;
  });
  if (wide !== undefined) throw new Unprovable(`DuckDB has no decimals of more than ${mostDigits} digits`);
  return withSql(node, compile(node, { of: 'table', columns }));
}

function withSql(node: ExpressionNode, { sql, type }: Compiled): { readonly sql: string; readonly type: ColumnType } {
  if (sql !== null) return { sql, type };
  const names = nodesOf(node).flatMap((each) => (each.op === 'custom' ? [`"${each.name}"`] : []));
  throw new Unprovable(`the custom function ${names.join(', ')} is known by its name only`);
}

function derivedSql(name: string, node: ExpressionNode, view: FeatureView, features: readonly Provable[]): Provable {
  const read = nodesOf(node).flatMap((each) => (each.op === 'feature' ? [each.name] : []));
  const missing = read.find(
    (each) => Object.hasOwn(view.features, each) && !features.some((other) => other.name === each),
  );
  if (missing !== undefined) throw new Unprovable(`it is computed from ${missing}`);
  return { name, ...withSql(node, compile(node, { of: 'view', columns: features })) };
}
