/** Everything outside of the workers: database, connector, log, stores, and the time that passes for all of them. */
import { createMemoryLog, type MemoryLog } from '../../log/memory/memory-log.ts';
import type { CommitStep } from '../../log/memory/memory-transactor.ts';
import type { GroupConsumer, LogProducer, LogRecord, TopicPartition } from '../../log/log.ts';
import { MemoryObjectStore } from '../../offline/memory/memory-object-store.ts';
import { createMemoryOnlineStore } from '../../online/memory/memory-online-store.ts';
import type { FlushLimits } from '../../offline/offline-task.ts';
import type { EntityPlan, Plan } from '../../define/plan.ts';
import type { CopyLimits } from '../../worker/state-copies.ts';
import { planOf } from './defined-views.ts';
import { Faults } from './faults.ts';
import { Random } from './random.ts';
import { SimulatedConnector, type ConnectorOptions } from './simulated-connector.ts';
import { SimulatedDatabase } from './simulated-database.ts';
import type { Outages } from './simulated-stores.ts';
import type { EntitySpec } from './naive-oracle/spec.ts';
import { simulatedEntity, writtenEntity } from './simulated-views.ts';
import { heartbeatTopic, prefix, tables, topicOf } from './tables.ts';
import { VirtualClock } from './virtual-clock.ts';
import { WatchedOnlineStore } from './watched-online-store.ts';
import { Workload } from './workload.ts';

export const application = 'simulated';
const sourcePartitions = 2;

export type StepHook = (step: CommitStep, process: string) => Promise<void>;

export class World {
  readonly random: Random;
  readonly spec: EntitySpec;
  /** Made of the spec, in the public language. */
  readonly plan: Plan;
  readonly clock: VirtualClock;
  readonly faults: Faults;
  readonly log: MemoryLog;
  readonly online: WatchedOnlineStore;
  /** What is found to be wrong while it happens. */
  readonly violations: string[] = [];
  /** Called when a process is told that the online store has lost values. */
  foundLoss: (process: string) => void = () => undefined;
  /** No row comes late. */
  readonly isPunctual: boolean;
  readonly objects = new MemoryObjectStore();
  readonly outages: Outages = { online: false, objects: false };
  readonly worker: WorkerSettings;
  readonly database: SimulatedDatabase;
  readonly connector: SimulatedConnector;
  readonly workload: Workload;
  private readonly producer: LogProducer;
  private readonly observers = new Map<string, GroupConsumer>();

  private constructor(
    random: Random,
    clock: VirtualClock,
    log: MemoryLog,
    producer: LogProducer,
    options: WorldOptions,
  ) {
    this.random = random;
    this.spec = specOf(options.views ?? 'any', random.fork('views'));
    this.plan = planOf(this.spec, prefix);
    this.clock = clock;
    this.log = log;
    this.producer = producer;
    this.faults = new Faults(random.fork('faults'));
    this.online = new WatchedOnlineStore(createMemoryOnlineStore({ clock }), this.violations);
    this.worker = { ...drawnSettings(random), ...options.worker };
    this.isPunctual = options.late !== 'some';
    this.database = new SimulatedDatabase(tables, random.fork('database'));
    const { database } = this;
    this.workload = new Workload({ database, clock, random: random.fork('workload'), ...options });
    this.connector = new SimulatedConnector({
      ...{ database, clock, random: random.fork('connector'), partitions: sourcePartitions, ...options },
      publish: (topic, partition, key, value) => {
        this.producer.append(topic, partition, key, value);
      },
    });
  }

  static async create(seed: number | string, options: WorldOptions, step: StepHook): Promise<World> {
    const random = new Random(seed);
    // Midnight, and the end of all windows, comes in the middle of the trouble.
    const start_ms = Date.UTC(2026, 0, 1) - random.fork('start').between(3_000, 22_000);
    const clock = new VirtualClock({
      start_ms,
      random: random.fork('clock'),
      jitter_ms: 0.5,
      acceleration: options.acceleration ?? 1,
    });
    const log = createMemoryLog({ clock, step });
    const topics = tables.map((table) => ({ name: topicOf(table), partitions: sourcePartitions, config: {} }));
    await log.ensureTopics([...topics, { name: heartbeatTopic, partitions: 1, config: {} }]);
    const producer = await log.producer({ name: 'connector', failed: () => undefined });
    const world = new World(random, clock, log, producer, options);
    for (const group of ['entity', 'offline']) await world.observe(group);
    return world;
  }

  get entity(): EntityPlan {
    return this.plan.entities[0]!;
  }

  /** What a group has committed, once no transaction decides on it; null before the first time. */
  async committed(group: 'entity' | 'offline', at: TopicPartition): Promise<number | null> {
    const [offset] = await this.clock.settle(this.observers.get(group)!.committed([at]));
    return offset?.offset ?? null;
  }

  /** A member that owns nothing. */
  private async observe(group: string): Promise<void> {
    const none = { lost: () => undefined, batch: () => undefined, failed: () => undefined };
    const handlers = { assigned: () => Promise.resolve([]), revoked: () => Promise.resolve(), ...none };
    this.observers.set(group, await this.log.groupConsumer({ group: `${application}.${group}`, topics: [], handlers }));
  }

  /** All committed records of a topic, per partition. */
  async records(topic: string): Promise<readonly (readonly LogRecord[])[]> {
    const { partitions } = (await this.log.describeTopics([topic])).get(topic)!;
    const ats = Array.from({ length: partitions }, (_, partition) => ({ topic, partition }));
    const records = ats.map((): LogRecord[] => []);
    const reader = await this.log.reader({
      batch_records: 100_000,
      batch: (batch) => {
        for (const record of batch) records[record.partition]!.push(record);
      },
      failed: (error) => {
        throw error;
      },
    });
    // Behind a transaction that nobody ends, what others have committed is not read before it times out.
    const ends = await reader.highWaters(ats);
    await reader.assign(ats.map((at) => ({ ...at, offset: 0 })));
    await this.clock.run(() => ats.every((at, i) => reader.position(at)! >= ends[i]!));
    await reader.close();
    return records;
  }
}

/** How workers are set up. */
export interface WorkerSettings {
  readonly stateSnapshots: { readonly interval_ms: number; readonly part_bytes: number };
  readonly pendingValues_bytes: number;
  readonly uncommitted_changes: number;
  readonly stateCache_bytes: number;
  readonly copies: CopyLimits;
  readonly flush: FlushLimits;
}

function drawnSettings(random: Random): WorkerSettings {
  const snapshots = random.fork('state snapshots');
  return {
    // In some worlds there are none.
    stateSnapshots: {
      interval_ms: snapshots.chance(0.25) ? 0 : snapshots.between(500, 4000),
      part_bytes: snapshots.pick([200, 1000, 1 << 20]),
    },
    // In some worlds so few that every outage of the online store pauses consumption.
    pendingValues_bytes: random.fork('pending values').pick([2000, 20_000, 1 << 26]),
    // In some worlds so few that keys leave memory with every commit.
    stateCache_bytes: random.fork('state cache').pick([0, 20_000, Infinity]),
    // In some worlds so few that frames wait for commits all the time.
    uncommitted_changes: random.fork('uncommitted').pick([20, 1000, 100_000]),
    // In some worlds copies of others' states are made before a worker takes part, in some all the time.
    copies: random.fork('state copies').pick([
      { warmUp_ms: 0, standbyInterval_ms: 0 },
      { warmUp_ms: 3000, standbyInterval_ms: 0 },
      { warmUp_ms: 3000, standbyInterval_ms: 1000 },
    ]),
    flush: { rows: 300, bytes: 1 << 20, age_ms: 2000 },
  };
}

function specOf(views: NonNullable<WorldOptions['views']>, random: Random): EntitySpec {
  if (typeof views !== 'string') return views;
  return views === 'written' ? writtenEntity : simulatedEntity(random);
}

export interface WorldOptions {
  /** Those that people wrote, others for each seed, or these. Default `any`. */
  readonly views?: 'written' | 'any' | EntitySpec;
  /** How many times as fast as the timers the clock on the wall goes. Default 1. */
  readonly acceleration?: number;
  /** Of these settings the seed decides nothing. */
  readonly worker?: Partial<WorkerSettings>;
  readonly snapshot?: NonNullable<ConnectorOptions['snapshot']>;
  readonly rate?: number;
  readonly late?: 'none' | 'some';
  readonly users?: number;
}
