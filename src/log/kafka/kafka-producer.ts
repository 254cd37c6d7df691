/** Appends records; acknowledgements come as delivery reports, so that nothing ever blocks a thread. */
import { MillraceError, messageOf } from '../../errors.ts';
import { atMost } from '../../time/clock.ts';
import type { LogProducer, ProducerOptions, TopicPartition } from '../log.ts';
import { Acknowledgements } from './acknowledgements.ts';
import { brokersLost, watchBrokers } from './broker-watch.ts';
import { type ClientError, codes, type DeliveryReport, newProducer, type ProducerClient } from './client.ts';
import { connect, type Surroundings } from './connection.ts';
import { FirstRecords } from './first-records.ts';
import { producerSettings } from './settings.ts';

/** The client sends a buffer without memory as a tombstone; a slice of a real one stays empty. */
const empty = Buffer.alloc(1).subarray(1);
const retryFull_ms = 2;
const lastFlush_ms = 10_000;
const disconnect_ms = 10_000;

interface Appended extends TopicPartition {
  readonly number: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
}

export async function openProducer(surroundings: Surroundings, options: ProducerOptions): Promise<LogProducer> {
  const producer = new KafkaProducer(surroundings, options);
  await producer.open();
  return producer;
}

class KafkaProducer implements LogProducer {
  pending_bytes = 0;
  private readonly surroundings: Surroundings;
  private readonly options: ProducerOptions;
  private readonly client: ProducerClient;
  private readonly acknowledgements = new Acknowledgements();
  private readonly firsts: FirstRecords<Appended>;
  /** Found no room in the client's queue. Whatever is appended then waits behind it. */
  private overflow: Appended[] = [];
  private error: MillraceError | null = null;
  private closing: Promise<void> | null = null;

  constructor(surroundings: Surroundings, options: ProducerOptions) {
    this.surroundings = surroundings;
    this.options = options;
    this.firsts = new FirstRecords(surroundings.clock);
    this.client = newProducer(producerSettings(surroundings.settings));
    this.client.on('delivery-report', this.delivered);
    watchBrokers(this.client, () => {
      this.die(brokersLost(`producer ${options.name}`));
    });
    this.client.on('event.error', (error) => {
      if (error.isFatal === true || error.code === codes.fatal)
        this.fail(`${error.message}; restart this worker`, error);
    });
  }

  async open(): Promise<void> {
    await connect(this.client, this.surroundings, { producer: this.options.name });
    this.client.setPollInBackground(true);
  }

  append(topic: string, partition: number, key: Uint8Array | null, value: Uint8Array | null): void {
    this.checkAlive();
    const record = { number: this.acknowledgements.next(), topic, partition, key, value };
    this.pending_bytes += sizeOf(record);
    if (this.overflow.length > 0 || !this.send(record)) this.defer(record);
    // Dead by this very record.
    this.checkAlive();
  }

  flush(): Promise<void> {
    return this.error === null ? this.acknowledgements.all() : Promise.reject(this.error);
  }

  close(): Promise<void> {
    this.closing ??= this.closeNow();
    return this.closing;
  }

  private async closeNow(): Promise<void> {
    const { clock, logger } = this.surroundings;
    const { name } = this.options;
    const flushed = this.error === null ? this.flush().catch(() => undefined) : Promise.resolve();
    await atMost(clock, lastFlush_ms, flushed, () => {
      logger.warn({ producer: name, pending_bytes: this.pending_bytes }, 'closed before everything was acknowledged');
    });
    this.error ??= new MillraceError('delivery-failed', `producer ${name} is closed`);
    this.acknowledgements.fail(this.error);
    const disconnected = new Promise<void>((resolve) => {
      this.client.disconnect(1, resolve);
    });
    await atMost(clock, disconnect_ms, disconnected);
  }

  private checkAlive(): void {
    if (this.error !== null) throw this.error;
  }

  /** False when the client's queue has no room. */
  private send(record: Appended): boolean {
    if (!this.firsts.admits(record)) return true;
    const { number, topic, partition, key, value } = record;
    const whole = (bytes: Uint8Array | null): Uint8Array | null => (bytes?.length === 0 ? empty : bytes);
    try {
      this.client.produce(topic, partition, whole(value), whole(key), null, number);
      return true;
    } catch (error) {
      if ((error as ClientError).code === codes.queueFull) {
        this.firsts.notSent(record);
        return false;
      }
      this.fail(
        `topic ${topic} partition ${partition}: a record of ${value?.length ?? 0} bytes was refused: ${messageOf(error)}`,
        error,
      );
      return true;
    }
  }

  private defer(record: Appended): void {
    if (this.overflow.push(record) === 1) this.retryLater();
  }

  private retryLater(): void {
    this.surroundings.clock.after(retryFull_ms, () => {
      let sent = 0;
      while (sent < this.overflow.length && this.error === null && this.send(this.overflow[sent]!)) sent += 1;
      this.overflow = this.overflow.slice(sent);
      if (this.overflow.length > 0 && this.error === null) this.retryLater();
    });
  }

  private readonly delivered = (error: ClientError | null, report: DeliveryReport): void => {
    this.pending_bytes -= report.size + (report.key?.length ?? 0);
    if (error) {
      this.fail(`topic ${report.topic} partition ${report.partition}: ${error.message}`, error);
      return;
    }
    // A hole never closes: after a failure nothing counts any more.
    if (this.error !== null) return;
    this.acknowledgements.take(report.opaque as number);
    this.sendBehind(this.firsts.acknowledged(report));
  };

  /** They come before whatever waits for room of the same partition. */
  private sendBehind(records: readonly Appended[]): void {
    const sent = records.findIndex((record) => this.error === null && !this.send(record));
    if (sent === -1) return;
    this.overflow = [...records.slice(sent), ...this.overflow];
    if (this.overflow.length === records.length - sent) this.retryLater();
  }

  private fail(what: string, cause: unknown): void {
    this.die(new MillraceError('delivery-failed', `producer ${this.options.name}: ${what}`, { cause }));
  }

  private die(error: MillraceError): void {
    if (this.error !== null) return;
    this.error = error;
    this.overflow = [];
    this.acknowledgements.fail(error);
    // Not from within append: its caller is in the middle of something.
    queueMicrotask(() => {
      this.options.failed(error);
    });
  }
}

const sizeOf = ({ key, value }: Pick<Appended, 'key' | 'value'>): number => (key?.length ?? 0) + (value?.length ?? 0);
