/** The SQL of views, run by DuckDB over rows written by hand. */
import { beforeAll, expect, test } from 'vitest';
import { viewSql } from '../../../../src/define/sql/view-sql.ts';
import {
  approxDistinctCount,
  count,
  custom,
  debezium,
  decimal,
  div,
  entity,
  eq,
  featureView,
  hopping,
  int64,
  isNull,
  last,
  lastDistinct,
  max,
  min,
  mul,
  percentile,
  session,
  sliding,
  stddev,
  sum,
  text,
  timeSinceLast,
  timestamp,
  topK,
  tumbling,
  unbounded,
  type FeatureView,
} from '../../../../src/index.ts';
import { query, type Cell } from '../../../support/duckdb.ts';

const user = entity('user', { key: { user_id: int64() } });
const shop = debezium({ prefix: 'p' });
const orders = shop.table('public.sql_orders', {
  columns: { id: int64(), user_id: int64(), amount: decimal(12, 2), place: text().nullable(), at: timestamp(6) },
  primaryKey: ['id'],
  time: { event: 'at' },
});
const notes = shop.table('public.sql_notes', {
  columns: { id: int64(), user_id: int64(), place: text() },
  primaryKey: ['id'],
});
const from = { o: orders.by({ user_id: 'user_id' }), n: notes.by({ user_id: 'user_id' }) };

const minute_us = 60_000_000;
/** A multiple of all windows here. */
const base_us = 1_800_000_000_000_000;

beforeAll(async () => {
  await query('CREATE SCHEMA IF NOT EXISTS public');
  await query(
    'CREATE OR REPLACE TABLE public.sql_orders (id BIGINT, user_id BIGINT, amount DECIMAL(12, 2), place VARCHAR, "at" TIMESTAMP)',
  );
  await query(
    "CREATE OR REPLACE TABLE public.sql_notes AS SELECT * FROM (VALUES (1::BIGINT, 1::BIGINT, 'a'), (2, 1, 'b')) v(id, user_id, place)",
  );
});

/** Rows of user 1: minutes since the base, amount, place. */
async function store(...rows: readonly (readonly [number, string, string | null])[]): Promise<void> {
  await query('DELETE FROM public.sql_orders');
  for (const [i, [minutes, amount, place]] of rows.entries()) {
    const at = `make_timestamp(${base_us + minutes * minute_us})`;
    const text = place === null ? 'NULL' : `'${place}'`;
    await query(`INSERT INTO public.sql_orders VALUES (${i + 1}, 1, ${amount}, ${text}, ${at})`);
  }
}

/** The features of user 1 as of so many minutes after the base. */
async function valuesAt(view: FeatureView, minutes: number): Promise<Readonly<Record<string, Cell>>> {
  await query(
    `CREATE OR REPLACE TABLE asked AS SELECT 1::BIGINT AS user_id, ${base_us + minutes * minute_us}::BIGINT AS t`,
  );
  const [row] = await query(viewSql(view));
  return row!;
}

type Features = Parameters<typeof featureView<typeof user.key, typeof from, never>>[1]['features'];
type Inputs = Parameters<Features>[0];

const viewOf = (features: (inputs: Inputs) => object, more: object = {}): FeatureView =>
  featureView('v', { entity: user, from, features: features as never, ...more });

test('a 15-minute window over three 5-minute hops', async () => {
  await store([1, '10', null], [4, '30', null], [6, '20', null], [11, '5', null]);
  const w = hopping('15m', '5m');
  const view = viewOf(({ o }) => ({
    greatest: max(o.amount).over(w),
    least: min(o.amount).over(w),
    sample: stddev(o.amount).over(w),
    population: stddev(o.amount, { population: true }).over(w),
  }));
  const { greatest, least, sample, population } = await valuesAt(view, 12);
  expect([greatest, least]).toEqual([3000n, 500n]);
  expect((sample as number).toFixed(2)).toBe('11.09');
  expect((population as number).toFixed(2)).toBe('9.60');
});

test('rows exactly on an edge', async () => {
  await store([0, '1', null], [5, '1', null], [10, '1', null]);
  const view = viewOf(({ o }) => ({
    tumbled: count(o).over(tumbling('5m')),
    hopped: count(o).over(hopping('10m', '5m')),
    slid: count(o).over(sliding('5m', { resolution: '1m' })),
    run: count(o).over(session('5m')),
    longRun: count(o).over(session('6m')),
    all: count(o).over(unbounded()),
  }));
  expect(await valuesAt(view, 5)).toMatchObject({ tumbled: 1n, hopped: 2n, slid: 2n, run: 1n, longRun: 2n, all: 2n });
  expect(await valuesAt(view, 10)).toMatchObject({ tumbled: 1n, hopped: 2n, run: 1n, longRun: 3n, all: 3n });
  // The oldest minute of the sliding window is counted whole: at 5:00 that from 0:00 on, at 9:30 that from 4:00 on.
  expect(await valuesAt(view, 9.5)).toMatchObject({ slid: 1n });
  expect(await valuesAt(view, 15)).toMatchObject({ run: 0n, longRun: 3n });
  expect(await valuesAt(view, 16)).toMatchObject({ longRun: 0n });
});

test('rows of one instant go by their primary keys', async () => {
  await store([1, '1', 'b'], [1, '2', 'a'], [1, '3', 'b'], [0, '4', 'c'], [2, '5', null]);
  const view = viewOf(({ o }) => ({
    newest: last(o.place).over(unbounded()),
    recent: lastDistinct(o.place, { limit: 2 }).over(unbounded()),
    often: topK(o.place, { k: 3 }).over(unbounded()),
    nobody: topK(o.place, { k: 3, where: eq(o.place, "it's") }).over(unbounded()),
    idle: timeSinceLast(o, { where: isNull(o.place) }).over(unbounded()),
  }));
  const values = await valuesAt(view, 3);
  expect(values).toMatchObject({ newest: 'b', recent: ['b', 'a'], often: ['b', 'a', 'c'], nobody: [], idle: 60 });
});

test('a key without rows has what is empty', async () => {
  await store();
  const view = viewOf(
    ({ o }) => ({
      n: count(o).over(unbounded()),
      spend: sum(o.amount).over(unbounded()),
      known: sum(o.amount).over(unbounded()).default('0.5'),
      places: lastDistinct(o.place, { limit: 2 }).over(unbounded()),
    }),
    { derive: (f: Readonly<Record<'known' | 'n', never>>) => ({ mean: div(f.known, f.n) }) },
  );
  const empty = { n: 0n, spend: null, known: 50n, places: [], mean: null };
  expect(await valuesAt(view, 1)).toMatchObject(empty);
});

test('a table without event time has all rows', async () => {
  expect(
    await valuesAt(
      viewOf(({ n }) => ({ n: count(n).over(unbounded()), z: max(n.place).over(unbounded()) })),
      0,
    ),
  ).toMatchObject({
    n: 2n,
    z: 'b',
  });
});

test('what SQL cannot compute is named, with why', () => {
  const clicks = shop.table('public.clicks', {
    columns: { id: int64(), user_id: int64(), page: text(), huge: decimal(60, 3), at: timestamp(6) },
    primaryKey: ['id'],
    time: { event: 'at' },
    appendOnly: true,
    derived: (c) => ({ site: custom(text(), 'site', [c.page], (page) => page?.split('/')[0] ?? null) }),
  });
  const view = featureView('clicks', {
    entity: user,
    from: { c: clicks.by({ user_id: 'user_id' }) },
    features: ({ c }) => ({
      pages: approxDistinctCount(c.page).over(tumbling('1d')),
      site: last(c.site).over(tumbling('1d')),
      wide: sum(c.huge).over(tumbling('1d')),
      n: count(c).over(tumbling('1d')),
      p: percentile(c.id, 0.5).over(tumbling('1d')),
    }),
    derive: (f) => ({ share: div(f.pages, f.n), twice: mul(f.n, 2) }),
  });
  expect(viewSql(view).split('\nWITH')[0]).toBe(`-- View clicks: its values as of each (key, t) of the relation asked.
-- p: equal while no pane has more than 1000 different values, else within 0.01.
-- not in SQL: pages: a sketch is near the exact count, not equal to it
-- not in SQL: site: the custom function "site" is known by its name only
-- not in SQL: wide: DuckDB has no decimals of more than 38 digits
-- not in SQL: share: it is computed from pages`);
  expect(viewSql(view)).toContain('AS "twice"');
});
