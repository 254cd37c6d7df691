/**
 * How fast a task's state comes back, without Kafka: a changelog in memory through the restorer into RocksDB and from there into entity
 * tasks. So it shows what RocksDB and the worker cost; the client's part is `throughput`'s floor.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildPlan } from '../src/define/plan-builder.ts';
import type { EntityPlan } from '../src/define/plan.ts';
import { EntityTask } from '../src/entity/entity-task.ts';
import type { RowEntry } from '../src/frames/row-frame.ts';
import type { GroupConsumer, TopicPartition } from '../src/log/log.ts';
import { createMemoryLog, type MemoryLog } from '../src/log/memory/memory-log.ts';
import { silentLogger } from '../src/observability/logger.ts';
import { noMetrics } from '../src/observability/metrics.ts';
import { openRocksStateStore } from '../src/state/rocksdb/rocksdb-state-store.ts';
import { systemClock } from '../src/time/clock.ts';
import { OwnedEntityPartition } from '../src/worker/owned-entity-partition.ts';
import { StateRestorer } from '../src/worker/state-restorer.ts';
import { internalTopics } from '../src/worker/topics.ts';
import { profiled } from './cpu-profile.ts';
import * as definitions from './features.ts';
import { count, report } from './report.ts';

const application = 'bench';
const rowsPerFrame = 1000;
const start_us = 1_800_000_000_000_000;

interface Measured {
  readonly seconds: number;
  readonly cpu_s: number;
  readonly keys: number;
}

/** What all runs share: a changelog, and the offsets that were committed with it. */
interface Laid {
  readonly log: MemoryLog;
  readonly entity: EntityPlan;
  readonly consumer: GroupConsumer;
}

export async function restore(keys = 1_000_000): Promise<void> {
  const laid = await lay(keys);
  const folder = await mkdtemp(join(tmpdir(), 'millrace-restore-'));
  try {
    const { result: whole, entries } = await profiled(() => restoreOnce(laid, folder));
    const kept = await restoreOnce(laid, folder);
    const line = (what: string, { seconds, cpu_s }: Measured): string[] => [
      what,
      count(keys / seconds),
      seconds.toFixed(2),
      ((cpu_s * 1e6) / keys).toFixed(1),
    ];
    if (whole.keys !== keys || kept.keys !== keys) throw new Error(`${whole.keys}, ${kept.keys} keys came back`);
    report(
      `restore of ${count(keys)} keys in ${laid.entity.partitions} partitions`,
      ['', 'keys/s', 's', 'CPU µs/key'],
      [line('changelog → RocksDB → tasks', whole), line('RocksDB kept → tasks', kept)],
    );
    report(
      'the JavaScript thread meanwhile, from the changelog',
      ['', '%'],
      entries.map(({ what, share }) => [what, (share * 100).toFixed(1)]),
    );
    console.log(`  RSS ${Math.round(process.memoryUsage.rss() / 2 ** 20)} MiB, the log in memory included`);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function restoreOnce({ log, entity, consumer }: Laid, dir: string): Promise<Measured> {
  const store = await openRocksStateStore({ dir, logger: silentLogger });
  const failed = (error: Error): void => {
    throw error;
  };
  const restorer = new StateRestorer({
    log,
    store,
    clock: systemClock,
    logger: silentLogger,
    metrics: noMetrics,
    failed,
    snapshots: null,
    room_bytes: () => Infinity,
  });
  await restorer.start();
  const partitions = Array.from(
    { length: entity.partitions },
    (_, partition) => new OwnedEntityPartition(application, entity, partition, 0),
  );
  const started_ms = performance.now();
  const before = process.cpuUsage();
  const restored = await restorer.restore(partitions, consumer);
  const { user, system } = process.cpuUsage(before);
  const seconds = (performance.now() - started_ms) / 1000;
  await restorer.stop();
  await store.close();
  const keys = [...restored.values()].reduce((sum, { task }) => sum + task.size, 0);
  return { seconds, cpu_s: (user + system) / 1e6, keys };
}

/** A changelog as tasks leave it that have seen one row of each key. */
async function lay(keys: number): Promise<Laid> {
  const entity = buildPlan(definitions).entities[0]!;
  const log = createMemoryLog({ clock: systemClock });
  await log.ensureTopics(internalTopics(application, { entities: [entity] }));
  const producer = await log.producer({ name: 'lay', failed: () => undefined });
  const handlers = {
    assigned: () => Promise.resolve([]),
    revoked: () => Promise.resolve(),
    lost: () => undefined,
    batch: () => undefined,
    failed: () => undefined,
  };
  const partitions = Array.from(
    { length: entity.partitions },
    (_, partition) => new OwnedEntityPartition(application, entity, partition, 0),
  );
  const topics = [partitions[0]!.at.topic];
  const consumer = await log.groupConsumer({ group: `${application}.entity`, topics, handlers });
  const committed: (TopicPartition & { offset: number })[] = [];
  for (const { at, changelog } of partitions) {
    const task = new EntityTask(entity);
    let position = 0;
    for (const rows of framesOf(keys, at.partition, entity.partitions)) {
      const source = { table: 0, topicId: '0'.repeat(32), partition: 0, partitionCount: 1 };
      const marks = { data_us: -Infinity, clock_us: -Infinity };
      task.apply({ kind: 'rows', source, session: 1, number: position, marks, rows }, position++);
      for (const { key, value } of task.takeChanges())
        producer.append(changelog.topic, changelog.partition, key, value);
    }
    const { key, value } = task.recorder(position)(position - 1);
    producer.append(changelog.topic, changelog.partition, key, value);
    committed.push({ ...at, offset: position });
  }
  await new Promise((resolve) => setTimeout(resolve, 50));
  await consumer.commit(committed);
  return { log, entity, consumer };
}

/** A row for each key of a partition. */
function* framesOf(keys: number, partition: number, partitions: number): Generator<RowEntry[]> {
  let rows: RowEntry[] = [];
  for (let id = partition; id < keys; id += partitions) {
    const time_us = start_us + id;
    const after = [BigInt(id), BigInt(id), 1000n, 'ok', null, BigInt(time_us)];
    rows.push({ offset: id, operation: 'c', commit_us: time_us, ingest_ms: 0, routes: 2, before: null, after });
    if (rows.length < rowsPerFrame) continue;
    yield rows;
    rows = [];
  }
  if (rows.length > 0) yield rows;
}
