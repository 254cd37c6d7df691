/** When the liveness probe is to fail, and when never. */
import { expect, test } from 'vitest';
import { silentLogger } from '../../../src/observability/logger.ts';
import { createMetrics } from '../../../src/observability/metrics.ts';
import { ProgressMonitor } from '../../../src/worker/progress-monitor.ts';
import type { TaskProgress } from '../../../src/worker/task-progress.ts';
import { SteppedClock } from '../../support/stepped-clock.ts';

const start_ms = Date.UTC(2026, 2, 1);
const task = (change: Partial<TaskProgress> = {}): TaskProgress => ({
  kind: 'entity',
  at: { topic: 'log', partition: 3 },
  position: 10,
  end: 25,
  reached_ms: start_ms - 4000,
  waitsFor: null,
  ...change,
});

interface World {
  tasks: TaskProgress[];
  failure: Error | null;
  readonly heartbeats: Map<string, number>;
  readonly monitor: ProgressMonitor;
  pass(seconds: number): Promise<void>;
  metric(series: string): Promise<string | undefined>;
}

function world(): World {
  const clock = new SteppedClock(start_ms);
  const metrics = createMetrics('0');
  const heartbeats = new Map<string, number>();
  const made = { tasks: [task()], failure: null as Error | null };
  const worker = {
    progress: () => (made.failure === null ? Promise.resolve(made.tasks) : Promise.reject(made.failure)),
    heartbeats_ms: () => heartbeats,
  };
  const monitor = new ProgressMonitor({ worker, clock, metrics, logger: silentLogger });
  return Object.assign(made, {
    heartbeats,
    monitor,
    pass: (seconds: number) => clock.pass(seconds * 1000),
    metric: async (series: string) =>
      (await metrics.render())
        .split('\n')
        .find((line) => line.startsWith(`${series} `))
        ?.slice(series.length + 1),
  });
}

const labels = '{kind="entity",topic="log",partition="3"}';

test('lag is exported in records and in seconds, and forgotten when the partition leaves', async () => {
  const it = world();
  await it.pass(5);
  expect(await it.metric(`millrace_lag_records${labels}`)).toBe('15');
  expect(await it.metric(`millrace_lag_seconds${labels}`)).toBe('9');
  it.tasks = [task({ position: 25 })];
  await it.pass(5);
  expect(await it.metric(`millrace_lag_records${labels}`)).toBe('0');
  expect(await it.metric(`millrace_lag_seconds${labels}`)).toBe('0');
  it.tasks = [];
  await it.pass(5);
  expect(await it.metric(`millrace_lag_records${labels}`)).toBeUndefined();
  expect(await it.metric(`millrace_lag_seconds${labels}`)).toBeUndefined();
});

test('a task with lag that does not move is stuck within 40 seconds, and no more once it moves', async () => {
  const it = world();
  await it.pass(30);
  expect(it.monitor.stuck).toEqual([]);
  await it.pass(10);
  expect(it.monitor.stuck).toEqual(['entity log/3']);
  expect(await it.metric('millrace_stuck_tasks{kind="entity"}')).toBe('1');
  it.tasks = [task({ position: 11 })];
  await it.pass(5);
  expect(it.monitor.stuck).toEqual([]);
  expect(await it.metric('millrace_stuck_tasks{kind="entity"}')).toBe('0');
});

test.each([
  ['has nothing to read', { position: 25 }],
  ['waits for a store that is away', { waitsFor: 'the online store' }],
])('a task that %s is never stuck', async (_, change) => {
  const it = world();
  it.tasks = [task(change)];
  await it.pass(3600);
  expect(it.monitor.stuck).toEqual([]);
});

test('a task that restores is not among those that are looked at, and has its 30 seconds when it is back', async () => {
  const it = world();
  await it.pass(20);
  it.tasks = [];
  await it.pass(600);
  it.tasks = [task()];
  await it.pass(30);
  expect(it.monitor.stuck).toEqual([]);
});

test('slow is not stuck', async () => {
  const it = world();
  for (let position = 11; position < 20; position++) {
    await it.pass(25);
    it.tasks = [task({ position })];
  }
  expect(it.monitor.stuck).toEqual([]);
});

test('while the log gives no answer no task is called stuck: a restart would not bring it back', async () => {
  const it = world();
  await it.pass(40);
  expect(it.monitor.stuck).toHaveLength(1);
  it.failure = new Error('no broker answers');
  await it.pass(5);
  expect(it.monitor.stuck).toEqual([]);
  it.failure = null;
  await it.pass(30);
  expect(it.monitor.stuck).toEqual([]);
});

test('the age of the connector’s heartbeat grows while none comes', async () => {
  const it = world();
  it.heartbeats.set('__heartbeat.shop', start_ms);
  await it.pass(65);
  expect(await it.metric('millrace_heartbeat_age_seconds{topic="__heartbeat.shop"}')).toBe('65');
});
