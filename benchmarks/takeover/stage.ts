/** What all contenders share: the broker, a producer, and questions about what stands in topics and groups. */
import { randomBytes } from 'node:crypto';
import kafka from '@confluentinc/kafka-javascript';
import { createKafkaLog } from '../../src/log/kafka/kafka-log.ts';
import type { Log, LogProducer, LogReader, LogRecord } from '../../src/log/log.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { systemClock } from '../../src/time/clock.ts';
import { until } from '../../test/support/until.ts';
import { partitions } from './partitions.ts';

const producerLimit_bytes = 32 * 1024 * 1024;
const request_ms = 5000;
const committed_ms = 120_000;

const failed = (error: Error): void => {
  throw error;
};

export class Stage {
  readonly brokers = process.env['MILLRACE_KAFKA_BROKERS']!;
  /** In the names of all that this run makes. */
  readonly id = `takeover${randomBytes(4).toString('hex')}`;
  readonly log: Log;
  private readonly producer: LogProducer;
  private readonly offsets: LogReader;
  private readonly admin: kafka.IAdminClient;

  private constructor(log: Log, producer: LogProducer, offsets: LogReader) {
    this.log = log;
    this.producer = producer;
    this.offsets = offsets;
    this.admin = kafka.AdminClient.create({ 'bootstrap.servers': this.brokers });
  }

  static async open(): Promise<Stage> {
    const settings = { 'bootstrap.servers': process.env['MILLRACE_KAFKA_BROKERS']! };
    const log = await createKafkaLog({ settings, clock: systemClock, logger: silentLogger });
    const producer = await log.producer({ name: 'takeover', failed });
    return new Stage(log, producer, await log.reader({ batch: () => undefined, failed }));
  }

  async close(): Promise<void> {
    this.admin.disconnect();
    await this.offsets.close();
    await this.producer.close();
    await this.log.close();
  }

  async createTopic(name: string): Promise<void> {
    await this.log.ensureTopics([{ name, partitions, config: {} }]);
  }

  /** A record of a user, who decides its partition. */
  async append(topic: string, user: number, key: Buffer, value: Buffer): Promise<void> {
    this.producer.append(topic, user % partitions, key, value);
    if (this.producer.pending_bytes > producerLimit_bytes) await this.producer.flush();
  }

  /** All of it is in the broker's hands. */
  flush(): Promise<void> {
    return this.producer.flush();
  }

  /** What comes into a topic from now on. */
  async follow(topic: string, take: (records: readonly LogRecord[]) => void): Promise<LogReader> {
    const reader = await this.log.reader({ batch: take, failed });
    await reader.assign(partitionsOf(topic).map((at) => ({ ...at, offset: 'end' })));
    return reader;
  }

  /** A group has committed all that is in a topic now. */
  async untilCommitted(group: string, topic: string): Promise<void> {
    const ends = await this.offsets.endOffsets(partitionsOf(topic));
    let committed: readonly number[] = [];
    await until(
      () => `${group} has committed ${String(committed)} of ${String(ends)} in ${topic}`,
      async () => {
        committed = await this.committed(group, topic);
        return ends.every((end, partition) => (committed[partition] ?? 0) >= end);
      },
      committed_ms,
      50,
    );
  }

  private committed(group: string, topic: string): Promise<readonly number[]> {
    return new Promise((resolve, reject) => {
      const asked = [{ groupId: group, partitions: partitionsOf(topic) }];
      this.admin.listConsumerGroupOffsets(asked, { timeout: request_ms }, (error, groups) => {
        // The types say that there always is one.
        const failure = error as unknown as Error | null;
        if (failure !== null) {
          reject(failure);
          return;
        }
        const offsets = new Map(groups[0]!.partitions.map(({ partition, offset }) => [partition, offset]));
        resolve(partitionsOf(topic).map(({ partition }) => offsets.get(partition) ?? 0));
      });
    });
  }
}

const partitionsOf = (topic: string): { topic: string; partition: number }[] =>
  Array.from({ length: partitions }, (_, partition) => ({ topic, partition }));
