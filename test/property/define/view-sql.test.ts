/** The SQL of random views, run by DuckDB over random rows, against a recount that knows neither. */
import { describe, expect, test } from 'vitest';
import { sqlLiteral, sqlType } from '../../../src/define/functions/sql-text.ts';
import { buildPlan } from '../../../src/define/plan-builder.ts';
import { viewSql } from '../../../src/define/sql/view-sql.ts';
import { viewsOf } from '../../../src/testing/simulation/defined-views.ts';
import { keyText, recount } from '../../../src/testing/simulation/naive-oracle/recount.ts';
import type {
  EntitySpec,
  OracleRow,
  Result,
  Scalar,
  TableSpec,
} from '../../../src/testing/simulation/naive-oracle/spec.ts';
import { Random } from '../../../src/testing/simulation/random.ts';
import { query } from '../../support/duckdb.ts';
import { randomEntity, randomRow, second_us } from '../../support/entity-spec.ts';

const start_us = 1_800_000_000_000_000;
const users = 3;

/** Beyond this DuckDB's variance is out of its range. */
const largest = 1e100;

function rowsOf(random: Random, table: TableSpec): OracleRow[] {
  return Array.from({ length: random.between(0, 40) }, (_, id) => {
    const time_us = start_us + random.between(0, 500) * random.pick([second_us / 2, second_us, 7]);
    const row = randomRow(random, table, id, time_us, users);
    const tame = (value: OracleRow[string]): OracleRow[string] =>
      typeof value === 'number' && Math.abs(value) > largest ? 2.5 : value;
    return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, tame(value)]));
  });
}

async function store(table: TableSpec, rows: readonly OracleRow[]): Promise<void> {
  const columns = table.columns.map(({ name, type }) => `"${name}" ${sqlType(type)}`);
  await query(`CREATE OR REPLACE TABLE ${table.name} (${columns.join(', ')})`);
  const cells = (row: OracleRow): string[] =>
    table.columns.map(({ name, type }) => (row[name] === null ? 'NULL' : sqlLiteral(row[name]!, type)));
  if (rows.length > 0)
    await query(`INSERT INTO ${table.name} VALUES ${rows.map((row) => `(${cells(row).join(', ')})`).join(', ')}`);
}

/** What is asked for: every key at some times, among them the edges of rows. */
function askedOf(random: Random, { key }: EntitySpec, times_us: readonly number[]): { key: Scalar[]; t: number }[] {
  const places = key.length === 2 ? ['Oulu', 'Åbo'] : [null];
  const keys = [1n, 2n, 3n].flatMap((user) => places.map((place) => [user, ...(place === null ? [] : [place])]));
  return keys.flatMap((each) =>
    Array.from({ length: 4 }, () => {
      const t = random.pick([...times_us, start_us]) + random.pick([-1, 0, 1, second_us, 30 * second_us]);
      return { key: each, t };
    }),
  );
}

/** How far a double may be off: sums and variances by the size of what they are made of. */
function isNear(found: unknown, expected: Result, size: number): boolean {
  if (typeof found !== 'number' || typeof expected !== 'number') return found === expected;
  if (Object.is(found + 0, expected + 0)) return true;
  return Math.abs(found - expected) <= 1e-12 * Math.max(Math.abs(found), Math.abs(expected)) + size;
}

async function compare(seed: number): Promise<number> {
  const random = new Random(`view sql ${seed}`);
  const spec = randomEntity(random);
  const rows = new Map(spec.tables.map((table) => [table, rowsOf(random, table)]));
  for (const table of spec.tables) await store(table, rows.get(table)!);
  const times = spec.tables.flatMap((table) => rows.get(table)!.map((row) => Number(row[table.eventTime])));
  const asked = askedOf(random, spec, times);
  const askedRows = asked.map(({ key, t }) => `(${sqlLiteral(key[0]!, { kind: 'int64' })}, '${String(key[1])}', ${t})`);
  await query(`CREATE OR REPLACE TABLE asked AS SELECT * FROM (VALUES ${askedRows.join(', ')}) v("user", place, t)`);
  let compared = 0;
  for (const [i, view] of viewsOf(spec, 'p').entries()) {
    const { features } = buildPlan({ view }).entities[0]!.views[0]!;
    const found = await query(viewSql(view));
    expect(found).toHaveLength(asked.length);
    for (const { key, t } of asked) {
      const row = found.find(
        (each) => each['user'] === key[0] && (key.length === 1 || each['place'] === key[1]) && each['_t'] === BigInt(t),
      )!;
      const text = key.map((part) => encodeURIComponent(String(part))).join(':');
      const expected = recount(
        spec.views[i]!,
        (input) => rows.get(input.table)!.filter((each) => keyText(input, each) === text),
        t,
      );
      features.forEach(({ name, type }, f) => {
        const value = row[name];
        const aggregate = spec.views[i]!.features[f]?.aggregate.function;
        if (type.kind !== 'float64')
          expect({ seed, name, aggregate, t, value }).toEqual({ seed, name, aggregate, t, value: expected[f] });
        else if (aggregate !== undefined) {
          const isExact = !['variance', 'stddev', 'sum', 'mean'].includes(aggregate);
          const near = isNear(value, expected[f]!, isExact ? 0 : sizeOf(aggregate));
          expect({ seed, name, aggregate, t, value, expected: expected[f], near }).toMatchObject({ near: true });
        }
        compared++;
      });
    }
  }
  return compared;
}

/** The largest values are about 10^28, whose squares DuckDB has to 16 digits; the largest doubles 10^16. */
const sizeOf = (aggregate: string): number => (aggregate === 'variance' ? 1e42 : aggregate === 'stddev' ? 1e21 : 64);

describe('SQL over all rows is what the recount has', { timeout: 120_000 }, () => {
  test('random views and rows', async () => {
    await query('CREATE SCHEMA IF NOT EXISTS public');
    let compared = 0;
    for (let seed = 1; seed <= 40; seed++) compared += await compare(seed);
    expect(compared).toBeGreaterThan(3_000);
  });
});
