/** Reads partitions of the caller's choice, outside any group. */
import { messageOf, RetriableError } from '../../errors.ts';
import { atMost } from '../../time/clock.ts';
import type { LogReader, ReaderOptions, TopicPartition } from '../log.ts';
import { brokersLost, watchBrokers } from './broker-watch.ts';
import { type ClientError, type ConsumerClient, newConsumer } from './client.ts';
import { connect, type Surroundings } from './connection.ts';
import { checkRange, type OffsetLister } from './offsets.ts';
import { RecordPump } from './record-pump.ts';
import { readerSettings } from './settings.ts';

const disconnect_ms = 10_000;

export async function openReader(
  surroundings: Surroundings,
  lister: OffsetLister,
  options: ReaderOptions,
): Promise<LogReader> {
  const reader = new KafkaReader(surroundings, lister, options);
  await reader.open();
  return reader;
}

class KafkaReader implements LogReader {
  private readonly surroundings: Surroundings;
  private readonly lister: OffsetLister;
  private readonly options: ReaderOptions;
  private readonly client: ConsumerClient;
  private readonly pump: RecordPump;
  private closing: Promise<void> | null = null;
  private dead = false;

  constructor(surroundings: Surroundings, lister: OffsetLister, options: ReaderOptions) {
    this.surroundings = surroundings;
    this.lister = lister;
    this.options = options;
    this.client = newConsumer({
      ...readerSettings(surroundings.settings),
      queue_non_empty_cb: () => {
        this.pump.wake();
      },
    });
    watchBrokers(this.client, () => {
      this.fail(brokersLost('a reader'));
    });
    this.pump = new RecordPump({
      client: this.client,
      clock: surroundings.clock,
      batch_records: options.batch_records ?? 1000,
      batch: options.batch,
      failed: this.fail,
      reported: this.reported,
    });
  }

  async open(): Promise<void> {
    await connect(this.client, this.surroundings, { reader: true });
    this.pump.start();
  }

  assign(partitions: readonly (TopicPartition & { readonly offset: number | 'end' })[]): Promise<void> {
    return this.pump.exclusively(async () => {
      this.goOn();
      const [beginnings, ends, highWaters] = await Promise.all([
        this.lister.beginnings(partitions, this.goOn),
        this.lister.ends(partitions, this.goOn),
        this.lister.highWaters(partitions, this.goOn),
      ]);
      const starts = partitions.map(({ topic, partition, offset }, i) => ({
        topic,
        partition,
        offset: offset === 'end' ? ends[i]! : offset,
      }));
      checkRange(starts, beginnings, highWaters);
      for (const { at } of this.pump.positions()) this.pump.end(at);
      for (const start of starts) this.pump.begin(start, start.offset);
      this.client.assign(starts);
    });
  }

  endOffsets(partitions: readonly TopicPartition[]): Promise<readonly number[]> {
    return this.lister.ends(partitions, this.goOn);
  }

  beginningOffsets(partitions: readonly TopicPartition[]): Promise<readonly number[]> {
    return this.lister.beginnings(partitions, this.goOn);
  }

  highWaters(partitions: readonly TopicPartition[]): Promise<readonly number[]> {
    return this.lister.highWaters(partitions, this.goOn);
  }

  position(at: TopicPartition): number | null {
    return this.pump.position(at);
  }

  close(): Promise<void> {
    this.closing ??= this.closeNow();
    return this.closing;
  }

  private async closeNow(): Promise<void> {
    this.pump.stop();
    await this.pump.exclusively(() => undefined);
    const disconnected = new Promise<void>((resolve) => {
      this.client.disconnect(resolve);
    });
    await atMost(this.surroundings.clock, disconnect_ms, disconnected);
  }

  private readonly goOn = (): void => {
    if (this.closing !== null) throw new RetriableError('log-unavailable', 'the reader is closed');
  };

  private readonly reported = (error: ClientError): void => {
    this.surroundings.logger.warn({ code: error.code }, `kafka reader: ${error.message}`);
  };

  private readonly fail = (error: unknown): void => {
    if (this.dead) return;
    this.dead = true;
    this.pump.stop();
    this.options.failed(error instanceof Error ? error : new Error(messageOf(error)));
  };
}
