/**
 * Commit → Redis of single rows through Postgres, Debezium and one worker. Open loop: rows are due at fixed times, and a late one
 * counts from the time at which it was due. A row's commit is the moment at which COMMIT returned, its arrival the store's own stamp.
 */
import { build } from 'hdr-histogram-js';
import { Redis } from 'ioredis';
import { parseBookkeeping } from '../src/online/online-store.ts';
import { CapturedShop } from '../test/support/captured-shop.ts';
import { until } from '../test/support/until.ts';
import { WorkerProcess } from '../test/support/worker-process.ts';
import { report } from './report.ts';

const warmUp_s = 10;

const now_ms = (): number => performance.timeOrigin + performance.now();

interface Sent {
  readonly due_ms: number;
  committed_ms: number;
}

export async function freshness(perSecond = 100, seconds = 30): Promise<void> {
  const redis = new Redis(process.env['MILLRACE_REDIS_URL']!);
  await redis.flushall();
  const shop = await CapturedShop.create('bench');
  await shop.capture();
  const application = `bench${Date.now()}`;
  const worker = new WorkerProcess('benchmarks/features.ts', {
    BENCH_PREFIX: 'bench',
    MILLRACE_APPLICATION_ID: application,
    MILLRACE_S3_PREFIX: `${application}/`,
  });
  try {
    await worker.url();
    const sent = await insertAtRate(shop, perSecond, (warmUp_s + seconds) * perSecond);
    const visible_ms = await readVisible(redis, sent.length);
    const measured = sent.map((row, i) => ({ ...row, visible_ms: visible_ms[i]! })).slice(warmUp_s * perSecond);
    report(
      `commit → Redis at ${perSecond} rows/s, ${measured.length} rows, ms`,
      ['', 'p50', 'p99', 'p99.9', 'max'],
      [
        quantiles(
          'from COMMIT returned',
          measured.map((row) => row.visible_ms - row.committed_ms),
        ),
        quantiles(
          'from the time the row was due',
          measured.map((row) => row.visible_ms - row.due_ms),
        ),
      ],
    );
  } finally {
    await worker.stop();
    await shop.close();
    redis.disconnect();
  }
}

/** Row i is of user i, so that each has a value of its own. */
async function insertAtRate(shop: CapturedShop, perSecond: number, rows: number): Promise<Sent[]> {
  const sent: Sent[] = [];
  const running: Promise<void>[] = [];
  const started_ms = now_ms();
  for (let i = 0; i < rows; i++) {
    const row = { due_ms: started_ms + (i * 1000) / perSecond, committed_ms: 0 };
    sent.push(row);
    const wait_ms = row.due_ms - now_ms();
    if (wait_ms > 0) await new Promise((resolve) => setTimeout(resolve, wait_ms));
    running.push(insert(shop, i, row));
  }
  await Promise.all(running);
  return sent;
}

async function insert(shop: CapturedShop, i: number, row: Sent): Promise<void> {
  const statement = {
    name: 'insert',
    text: "insert into public.transactions values ($1, $1, 1, 'ok', null, (now() at time zone 'utc'))",
    values: [i],
  };
  await shop.db.query(statement);
  row.committed_ms = now_ms();
}

async function readVisible(redis: Redis, users: number): Promise<number[]> {
  const visible_ms: number[] = [];
  await until('every row is in Redis', async () => {
    const pipeline = redis.pipeline();
    for (let user = 0; user < users; user++) pipeline.hget(`user_features:${user}`, '_user_features');
    const answers = (await pipeline.exec())!.map(([, text]) => text as string | null);
    if (answers.includes(null)) return false;
    visible_ms.push(...answers.map((text) => parseBookkeeping(text!).visibleAt_us / 1000));
    return true;
  });
  return visible_ms;
}

function quantiles(what: string, latencies_ms: readonly number[]): string[] {
  const histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: 60_000_000,
    numberOfSignificantValueDigits: 3,
  });
  for (const latency_ms of latencies_ms) histogram.recordValue(Math.max(1, Math.round(latency_ms * 1000)));
  const at = (percentile: number): string => (histogram.getValueAtPercentile(percentile) / 1000).toFixed(1);
  return [what, at(50), at(99), at(99.9), at(100)];
}
