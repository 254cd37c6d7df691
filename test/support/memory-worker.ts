/** Workers on a memory log, a memory online store and Parquet files in a temporary folder; a test may put its own ports in between. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Plan } from '../../src/define/plan.ts';
import type { Log, LogProducer, LogRecord } from '../../src/log/log.ts';
import { createMemoryLog } from '../../src/log/memory/memory-log.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { createMetrics, type Metrics } from '../../src/observability/metrics.ts';
import { createFilesystemObjectStore } from '../../src/offline/filesystem/filesystem-object-store.ts';
import { createMemoryStateStore } from '../../src/state/memory/memory-state-store.ts';
import { createMemoryOnlineStore } from '../../src/online/memory/memory-online-store.ts';
import type { OnlineStore } from '../../src/online/online-store.ts';
import { systemClock } from '../../src/time/clock.ts';
import { Worker, type WorkerOptions } from '../../src/worker/worker.ts';
import { until } from './until.ts';

export const application = 'test';
const sourcePartitions = 2;

/** What a worker is given instead of the fleet's own. */
type FleetPorts = Partial<
  Pick<
    WorkerOptions,
    | 'plan'
    | 'log'
    | 'roles'
    | 'online'
    | 'state'
    | 'objects'
    | 'logger'
    | 'metrics'
    | 'tracer'
    | 'stateSnapshots'
    | 'pendingValues_bytes'
    | 'uncommitted_changes'
    | 'stateCache_bytes'
    | 'copies'
  >
>;

export interface RunningWorker {
  readonly worker: Worker;
  readonly metrics: Metrics;
  /** What it failed with. */
  readonly failures: Error[];
}

export class MemoryFleet {
  readonly plan: Plan;
  readonly log: Log;
  readonly online: OnlineStore = createMemoryOnlineStore({ clock: systemClock });
  readonly folder: string;
  private readonly producer: LogProducer;
  private readonly workers: RunningWorker[] = [];

  private constructor(plan: Plan, folder: string, log: Log, producer: LogProducer) {
    this.plan = plan;
    this.folder = folder;
    this.log = log;
    this.producer = producer;
  }

  static async create(plan: Plan): Promise<MemoryFleet> {
    const log = createMemoryLog({ clock: systemClock });
    const topics = plan.entities.flatMap((entity) => entity.tables.map(({ topic }) => topic));
    await log.ensureTopics(topics.map((name) => ({ name, partitions: sourcePartitions, config: {} })));
    const producer = await log.producer({ name: 'source', failed: () => undefined });
    return new MemoryFleet(plan, await mkdtemp(join(tmpdir(), 'millrace-fleet-')), log, producer);
  }

  /** A worker that is not yet started. */
  worker(ports: FleetPorts = {}): RunningWorker {
    const metrics = ports.metrics ?? createMetrics('test');
    const failures: Error[] = [];
    const worker = new Worker({
      plan: ports.plan ?? this.plan,
      application,
      roles: ports.roles ?? ['ingest', 'entity', 'offline'],
      commitInterval_ms: 20,
      log: ports.log ?? this.log,
      online: ports.online ?? this.online,
      state: ports.state ?? createMemoryStateStore(),
      objects: ports.objects ?? createFilesystemObjectStore(this.folder),
      stateSnapshots: ports.stateSnapshots ?? { interval_ms: 0 },
      ...(ports.tracer === undefined ? {} : { tracer: ports.tracer }),
      ...(ports.pendingValues_bytes === undefined ? {} : { pendingValues_bytes: ports.pendingValues_bytes }),
      ...(ports.stateCache_bytes === undefined ? {} : { stateCache_bytes: ports.stateCache_bytes }),
      ...(ports.uncommitted_changes === undefined ? {} : { uncommitted_changes: ports.uncommitted_changes }),
      ...(ports.copies === undefined ? {} : { copies: ports.copies }),
      flush: { rows: 1000, bytes: 1 << 20, age_ms: 200 },
      clock: systemClock,
      logger: ports.logger ?? silentLogger,
      metrics,
      failed: (error) => failures.push(error),
    });
    const running = { worker, metrics, failures };
    this.workers.push(running);
    return running;
  }

  /** Appends to a source topic; row n goes to partition n modulo their number. */
  append(topic: string, row: number, value: Uint8Array | null): void {
    this.producer.append(topic, row % sourcePartitions, Buffer.from(String(row)), value);
  }

  async settled({ worker }: RunningWorker): Promise<void> {
    await until('everything is online and stored', () => worker.settled());
  }

  /** The fields of a stored key that are no bookkeeping. */
  async features(key: string): Promise<Record<string, string>> {
    const [hash] = await this.online.read([key]);
    return Object.fromEntries([...(hash ?? [])].filter(([name]) => !name.startsWith('_')));
  }

  /** All records of a topic. */
  async records(topic: string): Promise<LogRecord[]> {
    const partitions = (await this.log.describeTopics([topic])).get(topic)!.partitions;
    const records: LogRecord[] = [];
    const reader = await this.log.reader({ batch: (batch) => void records.push(...batch), failed: () => undefined });
    const ats = Array.from({ length: partitions }, (_, partition) => ({ topic, partition, offset: 0 }));
    const ends = await reader.endOffsets(ats);
    await reader.assign(ats);
    await until('the topic is read', () => ats.every((at, i) => (reader.position(at) ?? 0) >= ends[i]!));
    await reader.close();
    return records;
  }

  async close(): Promise<void> {
    for (const { worker } of this.workers) await worker.stop();
    await rm(this.folder, { recursive: true });
  }
}
