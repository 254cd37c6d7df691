/**
 * The reference case on real components: Postgres → Debezium → Kafka → two workers → Redis and Parquet, held against SQL.
 * The window is 90 s long; `E2E_WINDOW=5m` runs the five-minute form. The tests are one story and run in order.
 */
import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadDefinitions } from '../../src/cli/load-definitions.ts';
import { parseDuration_us } from '../../src/define/duration.ts';
import { createKafkaLog } from '../../src/log/kafka/kafka-log.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { createS3ObjectStore } from '../../src/offline/s3/s3-object-store.ts';
import { systemClock } from '../../src/time/clock.ts';
import { CapturedShop } from '../support/captured-shop.ts';
import { readFeatureLog, readParquet } from '../support/feature-log-reader.ts';
import { newestPerUser, textOf } from '../support/feature-texts.ts';
import { differences, readOnline, type OnlineValue } from '../support/reference-comparison.ts';
import { loadTransactions, timestampText, type Unretracted } from '../support/transactions-load.ts';
import { until } from '../support/until.ts';
import { WorkerProcess } from '../support/worker-process.ts';

const definitions = 'test/e2e/fraud-features.ts';
const window_ms = parseDuration_us(process.env['E2E_WINDOW'] ?? '90s') / 1000;
/** I7: outOfOrderness + idleTimeout + 2 s. */
const quietBound_ms = 5000 + 1000 + 2000;
const users = 5000;
const application = `e2e-${randomBytes(4).toString('hex')}`;
const env = {
  MILLRACE_APPLICATION_ID: application,
  MILLRACE_S3_PREFIX: `${application}/`,
  MILLRACE_FLUSH_AGE_MS: '2000',
};

let shop: CapturedShop;
let redis: Redis;
let workers: WorkerProcess[];

/** Waits until every user's hash equals SQL at its own T. */
async function settledEqual(count: number): Promise<OnlineValue[]> {
  let values: OnlineValue[] = [];
  let wrong: string[] = ['not yet compared'];
  try {
    await until(
      'Redis equals SQL',
      async () => {
        values = await readOnline(redis, users);
        wrong = await differences(shop.db, values, window_ms * 1000);
        return values.length === count && wrong.length === 0;
      },
      40_000,
      250,
    );
  } catch {
    expect(wrong.slice(0, 5), `${wrong.length} of ${values.length} values differ`).toEqual([]);
    expect(values).toHaveLength(count);
  }
  return values;
}

/** Waits for the next window to begin. @returns its edge, milliseconds. */
async function nextEdge(): Promise<number> {
  const edge_ms = Math.ceil(Date.now() / window_ms) * window_ms;
  await until('the next window begins', () => Date.now() > edge_ms + 200, window_ms + 10_000, 50);
  return edge_ms;
}

const isOpen = ({ count }: OnlineValue): boolean => count !== '0';

async function sumOf(metric: string, labels: string): Promise<number> {
  const samples = await Promise.all(workers.map((worker) => worker.metric(metric)));
  return samples.reduce((sum, each) => sum + (each.get(labels) ?? 0), 0);
}

beforeAll(async () => {
  redis = new Redis(process.env['MILLRACE_REDIS_URL']!);
  await redis.flushall();
  shop = await CapturedShop.create('dbserver');
  await shop.db.query("insert into public.transactions values (-1, 0, 1, 'ok', 'Oulu', '2026-01-01')");
  await shop.capture();
  workers = [0, 1].map(() => new WorkerProcess(definitions, env));
  await Promise.all(workers.map((worker) => worker.url()));
});

afterAll(async () => {
  for (const worker of workers) await worker.stop('SIGKILL');
  await shop.close();
  redis.disconnect();
});

describe('the reference case', { timeout: 2 * window_ms + 120_000 }, () => {
  let edge_ms: number;
  let unretracted: Unretracted;

  test('two workers share the partitions', async () => {
    await until('all partitions are owned by both', async () => {
      const owned = await Promise.all(workers.map((worker) => worker.metric('millrace_tasks_owned')));
      const of = (kind: string): number[] => owned.map((each) => each.get(`kind="${kind}"`) ?? 0).sort();
      return of('ingest').join() === '1,2' && of('entity').join() === '6,6' && of('offline').join() === '6,6';
    });
    await until('both are ready', async () =>
      (await Promise.all(workers.map((each) => each.isReady()))).every(Boolean),
    );
  });

  test('20,000 rows, updated and deleted, with open windows: every hash equals SQL at its own T', async () => {
    edge_ms = await nextEdge();
    unretracted = await loadTransactions(shop.db, { users, rows: 20_000, from_ms: edge_ms });
    const values = await settledEqual(users);
    expect(Date.now(), 'compared before the windows ended').toBeLessThan(edge_ms + window_ms);
    expect(values.filter(isOpen).length).toBeGreaterThanOrEqual(users * 0.9);
    const { rows } = await shop.db.query<{ n: string }>('select count(*) as n from public.transactions');
    expect(Number(rows[0]!.n)).toBe(18_001);
    const retracted = values.filter(({ user }) => (unretracted.get(user) ?? 0) > 0);
    expect(retracted.length).toBeGreaterThanOrEqual(1000);
    expect(await sumOf('millrace_row_fates_total', 'entity="user",change="retraction",fate="unmatched"')).toBe(0);
    expect(
      await sumOf('millrace_dead_letters_total', 'topic="dbserver.public.transactions",reason="row-unusable"'),
    ).toBe(0);
  });

  test('the windows end: without a single further row every value falls to empty, in time', async () => {
    const end_ms = edge_ms + window_ms;
    await until(
      'the windows have ended',
      () => Date.now() > end_ms + quietBound_ms,
      window_ms + quietBound_ms + 1000,
      50,
    );
    const values = await settledEqual(users);
    expect(values.filter(isOpen)).toEqual([]);
    const latest_ms = Math.max(...values.map(({ visibleAt_us }) => visibleAt_us)) / 1000;
    expect(latest_ms - end_ms).toBeLessThanOrEqual(quietBound_ms);
  });

  test('COPY of 50,000 rows, many with one LSN: equal to SQL', async () => {
    edge_ms = await nextEdge();
    await copyRows(50_000);
    const values = await settledEqual(users);
    expect(Date.now(), 'compared before the windows ended').toBeLessThan(edge_ms + window_ms);
    expect(values.filter(isOpen)).toHaveLength(users);
  });

  test('SIGTERM drains; Parquet holds each (position, key) of the feature log once, and ends in the values of Redis', async () => {
    expect(await Promise.all(workers.map((worker) => worker.stop()))).toEqual([0, 0]);
    const log = await createKafkaLog({
      settings: { 'bootstrap.servers': process.env['MILLRACE_KAFKA_BROKERS']! },
      clock: systemClock,
      logger: silentLogger,
    });
    const logged = await readFeatureLog(log, application, await loadDefinitions(definitions));
    await log.close();
    const stored = await readParquet(
      createS3ObjectStore({
        bucket: process.env['MILLRACE_S3_BUCKET']!,
        endpoint: process.env['MILLRACE_S3_ENDPOINT']!,
        region: process.env['MILLRACE_S3_REGION']!,
        prefix: env.MILLRACE_S3_PREFIX,
      }),
    );
    expect(stored.length).toBeGreaterThan(20_000);
    const identities = stored.map((row) => row.split(' ').slice(0, 3).join(' '));
    expect(new Set(identities).size, 'no (partition, position, key) twice').toBe(identities.length);
    expect(stored.sort()).toEqual(logged.sort());
    const online = await readOnline(redis, users);
    expect(newestPerUser(stored)).toEqual(new Map(online.map((value) => [value.user, textOf(value)])));
  });

  test('a worker that starts anew rebuilds its state and writes nothing old; an incremental snapshot stops it with what to do', async () => {
    const before = await readOnline(redis, users);
    const worker = new WorkerProcess(definitions, env);
    workers.push(worker);
    await worker.url();
    await until('it has rebuilt its state', () => worker.isReady());
    const after = await readOnline(redis, users);
    expect(after.filter(({ position }, i) => position < before[i]!.position)).toEqual([]);
    expect(await differences(shop.db, after, window_ms * 1000)).toEqual([]);
    await shop.requestIncrementalSnapshot();
    expect(await worker.exited()).toBe(1);
    const said = worker.said.join('\n');
    expect(said).toMatch(
      /topic dbserver\.public\.transactions, partition \d, offset \d+: a row of an incremental snapshot/,
    );
    expect(said).toContain("snapshots: 'ignore'");
  });

  async function copyRows(count: number): Promise<void> {
    const folder = await mkdtemp(join(tmpdir(), 'millrace-copy-'));
    const file = join(folder, 'rows.csv');
    const spread_ms = Date.now() - edge_ms;
    const line = (i: number): string => {
      const time = timestampText(edge_ms + Math.floor((spread_ms * i) / count));
      return `${100_000 + i},${(i * 13) % users},${(i % 9973) / 100},ok,,${time}`;
    };
    try {
      await writeFile(file, Array.from({ length: count }, (_, i) => line(i)).join('\n'));
      await chmod(folder, 0o755);
      await shop.db.query(
        `copy public.transactions (transaction_id, user_id, amount, status, location, transaction_time) from '${file}' with (format csv)`,
      );
    } finally {
      await rm(folder, { recursive: true });
    }
  }
});
