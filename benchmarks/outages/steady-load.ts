/** Change events at a fixed rate into a source topic, and what each user's features have to be after them. */
import type { Log, LogProducer } from '../../src/log/log.ts';
import { envelopes, type Change, type Transaction } from '../envelopes.ts';

const tick_ms = 20;

export interface Expected {
  readonly transactions: number;
  readonly spend_cents: number;
}

export interface SteadyLoadOptions {
  readonly log: Log;
  readonly topic: string;
  readonly partitions: number;
  readonly rows_per_s: number;
  readonly users: number;
}

export class SteadyLoad {
  sent = 0;
  /** By user; those that ever had a row. */
  readonly expected = new Map<number, Expected>();
  private readonly options: SteadyLoadOptions;
  private readonly producer: LogProducer;
  private readonly changes: Generator<Change>;
  private readonly started_ms = performance.now();
  private readonly timer: NodeJS.Timeout;

  private constructor(options: SteadyLoadOptions, producer: LogProducer) {
    const { users, rows_per_s } = options;
    const times = { start_us: Date.now() * 1000, perRow_us: 1e6 / rows_per_s };
    this.options = options;
    this.producer = producer;
    this.changes = envelopes({ rows: Infinity, users, updates: 0.05, deletes: 0.05, ...times });
    this.timer = setInterval(() => {
      this.send();
    }, tick_ms);
  }

  static async start(options: SteadyLoadOptions): Promise<SteadyLoad> {
    const failed = (error: Error): void => {
      throw error;
    };
    await options.log.ensureTopics([{ name: options.topic, partitions: options.partitions, config: {} }]);
    return new SteadyLoad(options, await options.log.producer({ name: 'load', failed }));
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.producer.close();
  }

  /** All that is due: after a delay of this process, its rows are not missing. */
  private send(): void {
    const { topic, partitions, rows_per_s } = this.options;
    const due = Math.floor(((performance.now() - this.started_ms) / 1000) * rows_per_s);
    for (; this.sent < due; this.sent++) {
      const { id, value, before, after } = this.changes.next().value as Change;
      this.producer.append(topic, id % partitions, Buffer.from(`{"transaction_id":${id}}`), value);
      if (before !== null) this.count(before, -1);
      if (after !== null) this.count(after, 1);
    }
  }

  private count({ user_id, amount }: Transaction, sign: number): void {
    const { transactions, spend_cents } = this.expected.get(user_id) ?? { transactions: 0, spend_cents: 0 };
    const cents = Math.round(Number(amount) * 100);
    this.expected.set(user_id, { transactions: transactions + sign, spend_cents: spend_cents + sign * cents });
  }
}
