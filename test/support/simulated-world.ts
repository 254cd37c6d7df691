/** A simulated database with its connector, without a fleet, for tests of the simulator's parts. */
import { Random } from '../../src/testing/simulation/random.ts';
import { SimulatedConnector, type ConnectorOptions } from '../../src/testing/simulation/simulated-connector.ts';
import { SimulatedDatabase } from '../../src/testing/simulation/simulated-database.ts';
import { tables } from '../../src/testing/simulation/tables.ts';
import { VirtualClock } from '../../src/testing/simulation/virtual-clock.ts';
import { Workload, type WorkloadOptions } from '../../src/testing/simulation/workload.ts';

export interface SentRecord {
  readonly topic: string;
  readonly partition: number;
  readonly key: string;
  /** Null for a tombstone. */
  readonly value: string | null;
}

export type WorldOptions = Pick<ConnectorOptions, 'snapshot' | 'repeated'> & Pick<WorkloadOptions, 'late' | 'rate'>;

export class SimulatedWorld {
  readonly random: Random;
  readonly clock: VirtualClock;
  readonly database: SimulatedDatabase;
  readonly workload: Workload;
  readonly connector: SimulatedConnector;
  /** All that was published, heartbeats included. */
  readonly sent: SentRecord[] = [];

  constructor(seed: number | string, options: WorldOptions = {}) {
    const random = new Random(seed);
    this.random = random;
    this.clock = new VirtualClock({ start_ms: Date.UTC(2026, 0, 1), random: random.fork('clock'), jitter_ms: 0.5 });
    this.database = new SimulatedDatabase(tables, random.fork('database'));
    const { clock, database } = this;
    this.workload = new Workload({ database, clock, random: random.fork('workload'), ...options });
    this.connector = new SimulatedConnector({
      ...{ database, clock, random: random.fork('connector'), partitions: 3, ...options },
      publish: (topic, partition, key, value) => {
        const text = value === null ? null : Buffer.from(value).toString();
        this.sent.push({ topic, partition, key: Buffer.from(key).toString(), value: text });
      },
    });
  }

  /** People are busy and the connector streams; it dies now and then. */
  async play(duration_ms: number, crashes = 0): Promise<void> {
    this.workload.start();
    if (this.connector.phase === 'stopped') this.connector.start();
    for (let i = 0; i < crashes; i++) {
      await this.clock.runFor(this.random.int(duration_ms / crashes));
      if (!this.connector.crash()) continue;
      await this.clock.runFor(this.random.int(3_000));
      if (this.connector.phase === 'stopped') this.connector.restart();
    }
    await this.clock.runFor(duration_ms / (crashes + 1));
    this.workload.stop();
    await this.clock.run(() => this.connector.isCaughtUp);
  }

  get heartbeats(): SentRecord[] {
    return this.sent.filter(({ topic }) => topic.startsWith('__'));
  }

  /** Per topic and partition. */
  get partitions(): SentRecord[][] {
    const partitions = new Map<string, SentRecord[]>();
    for (const record of this.sent) {
      if (record.topic.startsWith('__')) continue;
      const id = `${record.topic}/${record.partition}`;
      const records = partitions.get(id);
      if (records === undefined) partitions.set(id, [record]);
      else records.push(record);
    }
    return [...partitions.values()];
  }
}

export interface SentEnvelope {
  readonly before: Record<string, unknown> | null;
  readonly after: Record<string, unknown> | null;
  readonly op: string;
  readonly ts_ms: number;
  readonly source: {
    readonly sequence: string;
    readonly snapshot: string;
    readonly ts_us: number;
    readonly lsn: number;
    readonly txId: number;
  };
}

export const parsed = (record: SentRecord): SentEnvelope | null =>
  record.value === null ? null : (JSON.parse(record.value) as SentEnvelope);

/** Without the instant at which the connector handled it. */
export const identity = ({ key, value }: SentRecord): string =>
  `${key} ${value?.replace(/,"ts_ms":\d+,"ts_us":\d+,"ts_ns":\d+}$/, '') ?? ''}`;

export const pairOf = ({ source }: SentEnvelope): [bigint, bigint] => {
  const [first, second] = JSON.parse(source.sequence) as [string | null, string];
  return [BigInt(first ?? 0), BigInt(second)];
};
