/** Everything outside of the workers: database, connector, log, stores, and the time that passes for all of them. */
import { createMemoryLog, type MemoryLog } from '../../log/memory/memory-log.ts';
import type { CommitStep } from '../../log/memory/memory-transactor.ts';
import type { LogProducer, LogRecord } from '../../log/log.ts';
import { MemoryObjectStore } from '../../offline/memory/memory-object-store.ts';
import { createMemoryOnlineStore, type MemoryOnlineStore } from '../../online/memory/memory-online-store.ts';
import { simulatedPlan } from './definitions.ts';
import { Faults } from './faults.ts';
import { Random } from './random.ts';
import { SimulatedConnector, type ConnectorOptions } from './simulated-connector.ts';
import { SimulatedDatabase } from './simulated-database.ts';
import type { Outages } from './simulated-stores.ts';
import { heartbeatTopic, tables, topicOf } from './tables.ts';
import { VirtualClock } from './virtual-clock.ts';
import { Workload } from './workload.ts';

export const application = 'simulated';
export const plan = simulatedPlan;
const sourcePartitions = 2;

export type StepHook = (step: CommitStep, process: string) => Promise<void>;

export class World {
  readonly random: Random;
  readonly clock: VirtualClock;
  readonly faults: Faults;
  readonly log: MemoryLog;
  readonly online: MemoryOnlineStore;
  readonly objects = new MemoryObjectStore();
  readonly outages: Outages = { online: false, objects: false };
  readonly connector: SimulatedConnector;
  readonly workload: Workload;
  private readonly producer: LogProducer;

  private constructor(
    random: Random,
    clock: VirtualClock,
    log: MemoryLog,
    producer: LogProducer,
    options: WorldOptions,
  ) {
    this.random = random;
    this.clock = clock;
    this.log = log;
    this.producer = producer;
    this.faults = new Faults(random.fork('faults'));
    this.online = createMemoryOnlineStore({ clock });
    const database = new SimulatedDatabase(tables, random.fork('database'));
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
    const clock = new VirtualClock({ start_ms: Date.UTC(2026, 0, 1), random: random.fork('clock'), jitter_ms: 0.5 });
    const log = createMemoryLog({ clock, step });
    const topics = tables.map((table) => ({ name: topicOf(table), partitions: sourcePartitions, config: {} }));
    await log.ensureTopics([...topics, { name: heartbeatTopic, partitions: 1, config: {} }]);
    const producer = await log.producer({ name: 'connector', failed: () => undefined });
    return new World(random, clock, log, producer, options);
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
    const ends = await reader.endOffsets(ats);
    await reader.assign(ats.map((at) => ({ ...at, offset: 0 })));
    await this.clock.run(() => ats.every((at, i) => reader.position(at)! >= ends[i]!));
    await reader.close();
    return records;
  }
}

export interface WorldOptions {
  readonly snapshot?: NonNullable<ConnectorOptions['snapshot']>;
  readonly rate?: number;
  readonly late?: 'none' | 'some';
}
