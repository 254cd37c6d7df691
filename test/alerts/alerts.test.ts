/**
 * Two workers on the stack, scraped by a real Prometheus with the real rules: every expression finds what it asks for, and each
 * fault fires its alert. The waiting times of the rules are a tenth of what they are.
 */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import kafka from '@confluentinc/kafka-javascript';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { CapturedShop } from '../support/captured-shop.ts';
import { Prometheus } from '../support/prometheus.ts';
import { until } from '../support/until.ts';
import { WorkerProcess } from '../support/worker-process.ts';

const application = `alerts-${randomBytes(4).toString('hex')}`;
const env = {
  MILLRACE_APPLICATION_ID: application,
  MILLRACE_S3_PREFIX: `${application}/`,
  MILLRACE_FLUSH_AGE_MS: '1000',
};
/** A busy machine makes values slow, and workers late, whatever else is wrong. */
const ofTheMachine = new Set([
  'MillraceFreshnessBurnsFast',
  'MillraceFreshnessBurnsSlowly',
  'MillraceEventLoopDelayed',
  'MillraceStateDiskFilling',
  'MillraceMemoryNearLimit',
]);

let shop: CapturedShop;
let workers: WorkerProcess[] = [];
let prometheus: Prometheus;
let rows = 0;
let trickle: ReturnType<typeof setInterval>;

const component = (script: string, ...args: readonly string[]): unknown =>
  execFileSync(`deploy/stack/${script}.sh`, args, { stdio: 'pipe' });

/** Alerts that fire and are not the machine's. */
const firing = async (): Promise<string[]> => (await prometheus.firing()).filter((name) => !ofTheMachine.has(name));

/** Brings a fault about, and waits for its alert: none that did not fire before may fire beside it. */
async function fires(alert: string, fault: () => unknown): Promise<void> {
  const before = await firing();
  expect(before).not.toContain(alert);
  await fault();
  let now: string[] = [];
  await until(
    () => `${alert} fires; what fires: ${now.join(', ')}`,
    async () => (now = await firing()).includes(alert),
    120_000,
    500,
  );
  expect(now.filter((name) => !before.includes(name))).toEqual([alert]);
}

const calm = (): Promise<void> =>
  until('no alert fires any more', async () => (await firing()).length === 0, 420_000, 1000);

beforeAll(async () => {
  shop = await CapturedShop.create('dbserver');
  await shop.db.query("insert into public.transactions values (-1, 0, 1, 'ok', null, now())");
  await shop.capture();
  // Newer values of an earlier run would be kept.
  const redis = new Redis(process.env['MILLRACE_REDIS_URL']!);
  await redis.flushall();
  redis.disconnect();
  workers = [0, 1].map(() => new WorkerProcess('test/e2e/fraud-features.ts', env));
  const urls = await Promise.all(workers.map((worker) => worker.url()));
  prometheus = await Prometheus.start(urls.map((url) => url.replace(/.*:(\d+)$/, '127.0.0.1:$1')));
  trickle = setInterval(() => {
    rows++;
    const values = [rows, rows % 50];
    void shop.db
      .query("insert into public.transactions values ($1, $2, 1, 'ok', null, now() at time zone 'utc')", values)
      .catch(() => undefined);
  }, 20);
});

afterAll(async () => {
  clearInterval(trickle);
  for (const worker of workers) {
    worker.signal('SIGCONT');
    await worker.stop('SIGKILL');
  }
  await prometheus.stop();
  await shop.close();
});

describe('alerts', { timeout: 600_000 }, () => {
  test('every expression finds the series that it asks for', async () => {
    await until('all tasks are owned', async () => {
      const unassigned = await prometheus.query('sum(kind:millrace_tasks_unassigned:sum) == 0');
      return unassigned.length === 1;
    });
    const missing = async (): Promise<string[]> => {
      const selectors = readdirSync('deploy/prometheus/rules').flatMap((file) =>
        selectorsOf(readFileSync(`deploy/prometheus/rules/${file}`, 'utf8')),
      );
      const found = await Promise.all(selectors.map((selector) => prometheus.query(`last_over_time(${selector}[1h])`)));
      return selectors.filter((_, i) => found[i]!.length === 0);
    };
    // Series of what has not happened yet come with the first time: dead letters, failed commits, failed puts.
    const rare = /dead_letters|result="failed"|put_failures/;
    let left: string[] = [];
    await until(
      () => `series come: ${left.join(', ')}`,
      async () => (left = (await missing()).filter((selector) => !rare.test(selector))).length === 0,
      60_000,
      500,
    );
  });

  test('while all is well nothing fires', async () => {
    await calm();
    await new Promise((resolve) => setTimeout(resolve, 15_000));
    expect(await firing()).toEqual([]);
  });

  test('a poison message: MillraceDeadLetters, at the first one', async () => {
    await fires('MillraceDeadLetters', () => produce(shop.topic, 'no envelope'));
  });

  test('Redis is killed: MillraceOnlineStoreFailing; the workers are live all the same', async () => {
    await fires('MillraceOnlineStoreFailing', () => component('stop', 'redis', '--kill'));
    expect(await Promise.all(workers.map((worker) => worker.isLive()))).toEqual([true, true]);
  });

  test('Redis is back, empty: MillraceOnlineStoreLostValues', async () => {
    await fires('MillraceOnlineStoreLostValues', () => component('restart', 'redis'));
  });

  test('S3 refuses: MillraceObjectStoreFailing', async () => {
    await fires('MillraceObjectStoreFailing', () => component('stop', 's3', '--kill')).finally(() =>
      component('restart', 's3'),
    );
  });

  test('Debezium is stopped: MillraceConnectorSilent', async () => {
    await fires('MillraceConnectorSilent', () => component('stop', 'connect', '--kill')).finally(() =>
      component('restart', 'connect'),
    );
  });

  test('a worker is frozen: MillraceWorkerDown; the other takes its partitions', async () => {
    await fires('MillraceWorkerDown', () => {
      workers[0]!.signal('SIGSTOP');
    });
    await until('the other owns all', async () => {
      const owned = await workers[1]!.metric('millrace_tasks_owned');
      return owned.get('kind="entity"') === 12;
    });
  });
});

/** The series that the expressions ask for, of metrics and of recording rules. */
function selectorsOf(text: string): string[] {
  const file = parse(text) as { groups: { rules: { expr: string }[] }[] };
  const named = /\b(?:\w+:millrace_\w+:\w+|(?:millrace|process)_\w+|up)(?:\{[^}]*\})?/g;
  const expressions = file.groups.flatMap(({ rules }) => rules.map(({ expr }) => expr.replaceAll(/#.*$/gm, '')));
  return [...new Set(expressions.flatMap((expression) => expression.match(named) ?? []))];
}

async function produce(topic: string, value: string): Promise<void> {
  const producer = new kafka.Producer({ 'bootstrap.servers': process.env['MILLRACE_KAFKA_BROKERS']! }, {});
  await new Promise((resolve, reject) => {
    producer.connect({}, (error) => {
      if (error) reject(new Error(error.message));
      else resolve(null);
    });
  });
  producer.produce(topic, 0, Buffer.from(value), null);
  await new Promise((resolve) => producer.flush(5000, resolve));
  await new Promise((resolve) => producer.disconnect(resolve));
}
