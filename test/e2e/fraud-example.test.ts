/**
 * The definitions of `examples/fraud`, as they stand there, on real components: Postgres → Debezium → Kafka → a worker → Redis, held against
 * the SQL that `millrace sql` prints for them, run by DuckDB over the rows of the database.
 */
import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { userFeatures } from '../../examples/fraud/features.ts';
import { buildPlan } from '../../src/define/plan-builder.ts';
import { viewSql } from '../../src/define/sql/view-sql.ts';
import type { Value } from '../../src/define/column.ts';
import { formatValue } from '../../src/define/value.ts';
import { parseBookkeeping } from '../../src/online/online-store.ts';
import { CapturedShop } from '../support/captured-shop.ts';
import { query } from '../support/duckdb.ts';
import { loadTransactions, timestampText } from '../support/transactions-load.ts';
import { until } from '../support/until.ts';
import { WorkerProcess } from '../support/worker-process.ts';

const users = 300;
const rows = 6000;
const [view] = buildPlan({ userFeatures }).entities[0]!.views;
const application = `e2e-${randomBytes(4).toString('hex')}`;

let shop: CapturedShop;
let redis: Redis;
let worker: WorkerProcess;

interface Online {
  readonly user: number;
  readonly asOf_us: number;
  readonly texts: readonly (string | null)[];
}

async function readOnline(): Promise<Online[]> {
  const pipeline = redis.pipeline();
  for (let user = 0; user < users; user++) pipeline.hgetall(`user_features:${user}`);
  const answers = (await pipeline.exec())!;
  return answers.flatMap(([error, hash], user) => {
    if (error) throw error;
    const fields = hash as Readonly<Record<string, string>>;
    const own = fields['_user_features'];
    if (own === undefined) return [];
    return [
      {
        user,
        asOf_us: parseBookkeeping(own).asOf_us,
        texts: view!.features.map(({ name }) => fields[name] ?? null),
      },
    ];
  });
}

/** The table's rows as they are now, where the view's SQL finds them. */
async function copyTable(): Promise<void> {
  const { rows: found } = await shop.db.query<Record<string, string | null>>(
    `select transaction_id::text, user_id::text, amount::text, status, location, merchant, transaction_time::text
     from public.transactions`,
  );
  const quoted = (text: string | null): string => (text === null ? 'NULL' : `'${text}'`);
  const cells = found.map((row) => `(${Object.values(row).map(quoted).join(', ')})`);
  await query('CREATE SCHEMA IF NOT EXISTS public');
  await query(`CREATE OR REPLACE TABLE public.transactions (transaction_id BIGINT, user_id BIGINT, amount DECIMAL(12, 2),
    status VARCHAR, location VARCHAR, merchant VARCHAR, transaction_time TIMESTAMP)`);
  await query(`INSERT INTO public.transactions VALUES ${cells.join(', ')}`);
}

async function differences(online: readonly Online[]): Promise<string[]> {
  await copyTable();
  const asked = online.map(({ user, asOf_us }) => `(${user}, ${asOf_us})`).join(', ');
  await query(
    `CREATE OR REPLACE TABLE asked AS SELECT user_id::BIGINT AS user_id, t::BIGINT AS t FROM (VALUES ${asked}) v(user_id, t)`,
  );
  const expected = new Map((await query(viewSql(userFeatures))).map((row) => [Number(row['user_id']), row]));
  return online.flatMap(({ user, texts }) =>
    view!.features.flatMap(({ name, type }, i) => {
      const wanted = formatValue(type, (expected.get(user)![name] ?? null) as Value);
      return texts[i] === wanted ? [] : [`${name} of user ${user}: ${texts[i]}, SQL says ${wanted}`];
    }),
  );
}

beforeAll(async () => {
  redis = new Redis(process.env['MILLRACE_REDIS_URL']!);
  await redis.flushall();
  shop = await CapturedShop.create('dbserver');
  await shop.capture();
  const env = { MILLRACE_APPLICATION_ID: application, MILLRACE_S3_PREFIX: `${application}/` };
  worker = new WorkerProcess('examples/fraud/features.ts', env);
  await worker.url();
});

afterAll(async () => {
  await worker.stop();
  await shop.close();
  redis.disconnect();
});

test('every feature of every user equals its SQL at its own T: windows of minutes to days, lists, sums, a ratio', async () => {
  await loadTransactions(shop.db, { users, rows, from_ms: Date.now() - 40 * 60_000 });
  const places = "(array['Oulu', 'Åbo', 'Kemi', 'Pori', null])[1 + (transaction_id % 5)::int]";
  await shop.db.query(
    `update public.transactions set merchant = 'shop ' || (transaction_id * 31 % 17), location = ${places} where transaction_id % 3 > 0`,
  );
  // Some of a week ago, and some that leave the hour's window while they are looked at.
  await shop.db.query('update public.transactions set transaction_time = $1 where transaction_id % 40 = 7', [
    timestampText(Date.now() - 6 * 86_400_000),
  ]);
  await shop.db.query('update public.transactions set transaction_time = $1 where transaction_id % 40 = 8', [
    timestampText(Date.now() - 3_600_000 + 30_000),
  ]);
  let online: Online[] = [];
  let wrong: string[] = ['not yet compared'];
  const { rows: newest } = await shop.db.query<{ user_id: string; us: string }>(
    'select user_id, (extract(epoch from max(transaction_time)) * 1000000)::bigint as us from public.transactions group by 1',
  );
  const isCurrent = (): boolean =>
    newest.every(
      ({ user_id, us }) => (online.find(({ user }) => user === Number(user_id))?.asOf_us ?? 0) >= Number(us),
    );
  const isEqual = async (): Promise<boolean> => {
    online = await readOnline();
    wrong = online.length < newest.length || !isCurrent() ? ['not all users have values'] : await differences(online);
    return wrong.length === 0;
  };
  await until('Redis equals the view’s SQL', isEqual, 90_000, 500).catch(() => undefined);
  expect(wrong.slice(0, 5), `${wrong.length} values differ`).toEqual([]);
  const at = (name: string): number => view!.features.findIndex((feature) => feature.name === name);
  const of = (name: string): (string | null)[] => online.map(({ texts }) => texts[at(name)]!);
  expect(of('recent_locations').filter((text) => text !== '[]').length).toBeGreaterThan(users * 0.5);
  expect(of('average_ticket').filter((text) => text !== null).length).toBeGreaterThan(users * 0.5);
  const before = of('transactions_last_hour').reduce((sum, text) => sum + Number(text), 0);
  await until(
    'rows have left the window of an hour',
    async () => {
      online = await readOnline();
      return of('transactions_last_hour').reduce((sum, text) => sum + Number(text), 0) < before;
    },
    90_000,
    500,
  );
  await until('Redis equals the view’s SQL again', isEqual, 60_000, 500).catch(() => undefined);
  expect(wrong.slice(0, 5), `${wrong.length} values differ`).toEqual([]);
});
