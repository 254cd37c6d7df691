/** Every metric of the catalogue is really counted by something: one story in which all of them happen. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { buildPlan } from '../../../src/define/plan-builder.ts';
import { paneLimit } from '../../../src/entity/aggregates/pane-limit.ts';
import { EntityTask } from '../../../src/entity/entity-task.ts';
import { RetriableError } from '../../../src/errors.ts';
import { count, featureView, int64, max, tumbling } from '../../../src/index.ts';
import { catalogue, type MetricName } from '../../../src/observability/catalogue.ts';
import { createMetrics, type Metrics } from '../../../src/observability/metrics.ts';
import { silentLogger } from '../../../src/observability/logger.ts';
import { measureProcess } from '../../../src/observability/process-metrics.ts';
import { createFilesystemObjectStore } from '../../../src/offline/filesystem/filesystem-object-store.ts';
import type { ObjectStore } from '../../../src/offline/object-store.ts';
import { createMemoryOnlineStore } from '../../../src/online/memory/memory-online-store.ts';
import type { OnlineStore } from '../../../src/online/online-store.ts';
import { createMemoryStateStore } from '../../../src/state/memory/memory-state-store.ts';
import { manifestName } from '../../../src/state/snapshots/snapshot-names.ts';
import type { StateStore } from '../../../src/state/state-store.ts';
import { systemClock } from '../../../src/time/clock.ts';
import { EntityMetrics } from '../../../src/worker/entity-metrics.ts';
import { ProgressMonitor } from '../../../src/worker/progress-monitor.ts';
import { inserted, rowsFrame, start_us, transaction } from '../../support/entity-frames.ts';
import { envelope, transactionFields } from '../../support/envelope.ts';
import { MemoryFleet } from '../../support/memory-worker.ts';
import { shop, transactions, user, userPlan } from '../../support/shop.ts';
import { SteppedClock } from '../../support/stepped-clock.ts';
import { until } from '../../support/until.ts';

const topic = 'dbserver.public.transactions';
const minute_us = 60_000_000;
/** A row may belong to nobody here. */
const nullable = shop.table('public.transactions', {
  columns: { ...transactions.columns, user_id: int64().nullable() },
  primaryKey: ['transaction_id'],
  replicaIdentity: 'full',
  time: { event: 'transaction_time', outOfOrderness: '5s', maxAhead: '1m' },
});
const plan = buildPlan({
  view: featureView('user_features', {
    entity: user,
    from: { tx: nullable.by({ user_id: 'user_id' }) },
    features: ({ tx }) => ({ n: count(tx).over(tumbling('5m')), newest: max(tx.transaction_id).over(tumbling('5m')) }),
  }),
});

/** Metrics that note which of them were counted, set or observed: one that is only registered is not there. */
function noting(seen: Set<MetricName>): Metrics {
  const metrics = createMetrics('test');
  return {
    ...metrics,
    counter(name, labels) {
      const series = metrics.counter(name, labels);
      return {
        add: (amount) => {
          if (amount > 0) seen.add(name);
          series.add(amount);
        },
      };
    },
    gauge(name, labels) {
      seen.add(name);
      return metrics.gauge(name, labels);
    },
    histogram(name, labels) {
      const series = metrics.histogram(name, labels);
      return {
        observe: (value) => {
          seen.add(name);
          series.observe(value);
        },
      };
    },
  };
}

function row(id: number, userId: number | null, age_us: number): Buffer {
  const time_us = Date.now() * 1000 - age_us;
  const fields = transactionFields({ id, user: userId ?? 0, cents: 100, status: 'ok', location: null, time_us });
  const after = userId === null ? { ...fields, user_id: null } : fields;
  return envelope({ after, commit_us: Date.now() * 1000, sequence: [null, id] });
}

/** Throws once, then does what it is to do. */
function onceAway<Args extends readonly unknown[], T>(
  call: (...args: Args) => Promise<T>,
): (...args: Args) => Promise<T> {
  let isAway = true;
  return (...args) => {
    if (!isAway) return call(...args);
    isAway = false;
    return Promise.reject(new RetriableError('store-unavailable', 'away for a test'));
  };
}

async function firstLife(fleet: MemoryFleet, metrics: Metrics, state: StateStore): Promise<void> {
  const memory = createMemoryOnlineStore({ clock: systemClock });
  const online: OnlineStore = { ...memory, upsert: onceAway((...args) => memory.upsert(...args)) };
  const files = createFilesystemObjectStore(fleet.folder);
  const objects: ObjectStore = {
    create: onceAway((name, body) => files.create(name, body)),
    read: (name) => files.read(name),
    list: (prefix, after) => files.list(prefix, after),
    delete: (name) => files.delete(name),
    probe: () => Promise.resolve(),
    close: () => files.close(),
  };
  const { worker } = fleet.worker({ online, objects, state, metrics, stateCache_bytes: 0 });
  const clock = new SteppedClock(Date.now());
  const monitor = new ProgressMonitor({ worker, clock, metrics, logger: silentLogger });
  await worker.start();
  for (const partition of [0, 1]) {
    const snapshot = { op: 'r' as const, snapshot: 'true', commit_us: Date.now() * 1000 };
    const fields = { id: partition, user: 5, cents: 1, status: 'ok', location: null, time_us: Date.now() * 1000 };
    fleet.append(topic, partition, envelope({ ...snapshot, after: transactionFields(fields) }));
  }
  const text = async (): Promise<string> => metrics.render();
  await until('the snapshot waits', async () => /millrace_snapshot_staged_rows\{.*\} 1/.test(await text()));
  for (const partition of [0, 1]) {
    fleet.append(topic, partition, row(10 + partition, 1, 20 * minute_us));
    fleet.append(topic, partition, row(20 + partition, 2, 0));
    fleet.append(topic, partition, row(30 + partition, null, 0));
    fleet.append(topic, partition, Buffer.from('no envelope'));
    fleet.append(topic, partition, row(40 + partition, 3, 0));
  }
  await until('timers fired', async () => /millrace_timers_fired_total\{.*\} [1-9]/.test(await text()));
  await until('a heartbeat was seen', async () => {
    fleet.append('__debezium-heartbeat.dbserver', 0, Buffer.from(JSON.stringify({ ts_ms: Date.now() })));
    await clock.pass(5000);
    return (await text()).includes('millrace_heartbeat_age_seconds{');
  });
  memory.flush();
  await until('all is written again', async () => /millrace_online_repairs_total [1-9]/.test(await text()));
  await worker.settled();
  await worker.stop();
  await monitor.stop();
}

/** On a disk that another definition wrote, beside snapshots that nobody can read. */
async function secondLife(fleet: MemoryFleet, metrics: Metrics, state: StateStore): Promise<void> {
  const tasks = await state.tasks();
  const checkpoints = await Promise.all(tasks.map((task) => state.checkpoint(task)));
  await state.write(
    tasks.map((task, i) => ({ task, entries: [], checkpoint: { ...checkpoints[i]!, definition: '0000000000000000' } })),
  );
  const objects = createFilesystemObjectStore(fleet.folder);
  const changelog = tasks[0]!.slice(0, tasks[0]!.lastIndexOf('/'));
  const { id: topicId } = (await fleet.log.describeTopics([changelog])).get(changelog)!;
  for (const task of tasks) {
    const of = { task, topicId, generation: 1, definition: '' };
    await objects.create(manifestName(of, 0), Buffer.from('no manifest'));
  }
  const running = fleet.worker({ metrics, state, objects, stateCache_bytes: 0, stateSnapshots: { interval_ms: 100 } });
  await running.worker.start();
  await fleet.settled(running);
  const text = async (): Promise<string> => metrics.render();
  await until('a snapshot is put', async () => /state_snapshots_total\{result="written"\} [1-9]/.test(await text()));
  await running.worker.stop();
}

/** Two workers at a time: the second has copies of what the first serves. */
async function besideAnother(fleet: MemoryFleet, metrics: Metrics, isSeen: () => boolean): Promise<void> {
  const first = fleet.worker();
  await first.worker.start();
  await fleet.settled(first);
  const second = fleet.worker({ metrics, copies: { warmUp_ms: 10_000, standbyInterval_ms: 20 } });
  await second.worker.start();
  await until('copies are kept up', isSeen);
  await second.worker.stop();
  await first.worker.stop();
}

function duplicates(metrics: Metrics): void {
  const task = new EntityTask(userPlan);
  const counted = new EntityMetrics(task, 0, metrics);
  const rows = [inserted(1, transaction(1, 1, start_us))];
  task.apply(rowsFrame(0, rows), 0);
  task.apply(rowsFrame(0, rows, { session: 2 }), 1);
  counted.export(start_us / 1000);
}

function overflows(metrics: Metrics): void {
  const task = new EntityTask(userPlan);
  const counted = new EntityMetrics(task, 0, metrics);
  const rows = Array.from({ length: paneLimit + 1 }, (_, i) =>
    inserted(i, transaction(i, 1, start_us + i, { cents: i })),
  );
  task.apply(rowsFrame(0, rows), 0);
  counted.export(start_us / 1000);
}

test('every metric of the catalogue is exported', async () => {
  const seen = new Set<MetricName>(['millrace_build_info']);
  const metrics = noting(seen);
  const fleet = await MemoryFleet.create(plan);
  await fleet.log.ensureTopics([{ name: '__debezium-heartbeat.dbserver', partitions: 1, config: {} }]);
  const folder = await mkdtemp(join(tmpdir(), 'millrace-metrics-'));
  const state = createMemoryStateStore();
  const clock = new SteppedClock(0);
  const stop = measureProcess(metrics, clock, folder);
  try {
    await firstLife(fleet, metrics, state);
    await secondLife(fleet, metrics, state);
    await besideAnother(fleet, metrics, () => seen.has('millrace_standby_records_left'));
    duplicates(metrics);
    overflows(metrics);
    await clock.pass(30_000);
    await until('the disk is measured', () => seen.has('millrace_state_disk_bytes'));
  } finally {
    stop();
    await fleet.close();
    await rm(folder, { recursive: true });
  }
  expect(Object.keys(catalogue).filter((name) => !seen.has(name as MetricName))).toEqual([]);
}, 60_000);
