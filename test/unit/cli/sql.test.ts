/** `millrace sql`: the queries of a definitions file. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { sqlOf } from '../../../src/cli/sql.ts';
import { query } from '../../support/duckdb.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
// Inside the checkout, where `millrace` means this package.
const file = join(root, 'examples', `sql-${process.pid}.ts`);

afterEach(() => rmSync(file, { force: true }));

test('the reference case is one query, which DuckDB runs', async () => {
  const sql = await sqlOf(join(root, 'examples/fraud/features.ts'));
  await query('CREATE SCHEMA IF NOT EXISTS public');
  await query(`CREATE OR REPLACE TABLE public.transactions AS
    SELECT 1::BIGINT AS transaction_id, 42::BIGINT AS user_id, 12.5::DECIMAL(12, 2) AS amount, 'ok' AS status, 'Praha' AS location,
      'Books' AS merchant, make_timestamp(1800000000000000) AS transaction_time`);
  await query('CREATE OR REPLACE TABLE asked AS SELECT 42::BIGINT AS user_id, 1800000060000000::BIGINT AS t');
  expect(await query(sql)).toEqual([
    {
      user_id: 42n,
      _t: 1_800_000_060_000_000n,
      transaction_count_last_5_min: 1n,
      last_update_time: 1_800_000_000_000_000n,
      recent_locations: ['Praha'],
      transactions_last_hour: 1n,
      spend_last_hour: 1250n,
      merchants_last_day: 1n,
      average_ticket: 12.5,
    },
  ]);
});

const definitions = (window: string): string => `
  import { count, debezium, entity, featureView, int64, timestamp, tumbling } from 'millrace';
  const t = debezium({ prefix: 'p' }).table('public.t', {
    columns: { id: int64(), at: timestamp() }, primaryKey: ['id'], time: { event: 'at' },
  });
  const from = { t: t.by({ id: 'id' }) };
  const one = entity('one', { key: { id: int64() } });
  const features = ({ t }) => ({ n: count(t).over(${window}) });
  export const second = featureView('b', { entity: one, from, features });
  export const first = featureView('a', { entity: one, from, features });`;

test('each view is a statement, in the order of their names', async () => {
  writeFileSync(file, definitions("tumbling('5m')"));
  const statements = (await sqlOf(file)).split(/;\n/).filter((text) => text.trim() !== '');
  expect(statements.map((text) => /-- View (\w+)/.exec(text)?.[1])).toEqual(['a', 'b']);
});

test('faults are named with their paths', async () => {
  writeFileSync(file, definitions("tumbling('1ms')"));
  await expect(sqlOf(file)).rejects.toThrow('second.features.n.over: the window size must be from 1s to 400d');
});
