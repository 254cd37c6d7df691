/** Transactions on Kafka: records and a group's offsets in one step. protocol: commit. */
import { randomUUID } from 'node:crypto';
import { messageOf, MillraceError, RetriableError } from '../../errors.ts';
import { atMost, endOfTurn, sleep } from '../../time/clock.ts';
import type { Append, GroupConsumer, Offset, Transactor, TransactorOptions } from '../log.ts';
import {
  call,
  type ClientError,
  codes,
  type ConsumerClient,
  type DeliveryReport,
  newProducer,
  type ProducerClient,
} from './client.ts';
import { connect, type Surroundings } from './connection.ts';
import { isMigration, KafkaGroupConsumer, toPart } from './kafka-group.ts';
import { retrying } from './retry.ts';
import { transactorSettings } from './settings.ts';

/** The client sends a buffer without memory as a tombstone; a slice of a real one stays empty. */
const empty = Buffer.alloc(1).subarray(1);
const init_ms = 15_000;
const request_ms = 10_000;
const retryFull_ms = 2;
const turn_records = 500;
const disconnect_ms = 10_000;
const generationTries = 50;
const generationWait_ms = 20;

export async function openTransactor(surroundings: Surroundings, options: TransactorOptions): Promise<Transactor> {
  const transactor = new KafkaTransactor(surroundings, options);
  await transactor.open();
  return transactor;
}

/** The offsets of one transaction's records, as their delivery reports come in: they may come after the commit's answer. */
class Reports {
  readonly offsets: number[];
  readonly complete: Promise<void>;
  private remaining: number;
  private settle: { resolve: () => void; reject: (error: Error) => void } | null = null;

  constructor(count: number) {
    this.offsets = new Array<number>(count);
    this.remaining = count;
    this.complete = new Promise((resolve, reject) => (this.settle = { resolve, reject }));
    // Nobody waits for the reports of a transaction that failed before.
    this.complete.catch(() => undefined);
    if (count === 0) this.settle!.resolve();
  }

  take(index: number, error: ClientError | null, offset: number): void {
    if (error) this.settle!.reject(error);
    this.offsets[index] = offset;
    this.remaining -= 1;
    if (this.remaining === 0) this.settle!.resolve();
  }
}

class KafkaTransactor implements Transactor {
  private readonly surroundings: Surroundings;
  private readonly options: TransactorOptions;
  /** One for the life of the process: who opens it again decides what the last holder left open. */
  private readonly transactionalId: string;
  private client: ProducerClient | null = null;
  private closing: Promise<void> | null = null;

  constructor(surroundings: Surroundings, options: TransactorOptions) {
    this.surroundings = surroundings;
    this.options = options;
    this.transactionalId = `${options.name}-${randomUUID()}`;
  }

  async open(): Promise<void> {
    const client = newProducer(transactorSettings(this.surroundings.settings, this.transactionalId));
    client.on('delivery-report', (error, report: DeliveryReport) => {
      const { reports, index } = report.opaque as { reports: Reports; index: number };
      reports.take(index, error, report.offset);
    });
    await connect(client, this.surroundings, { transactor: this.options.name });
    client.setPollInBackground(true);
    this.client = client;
    await this.retry('opening transactions', (done) => {
      client.initTransactions(init_ms, done);
    });
  }

  commit(consumer: GroupConsumer, records: readonly Append[], offsets: readonly Offset[]): Promise<readonly number[]> {
    if (!(consumer instanceof KafkaGroupConsumer)) throw new TypeError('the consumer is of another log');
    return consumer.transact(offsets, async (member, check) => {
      for (let attempt = 1; ; attempt += 1) {
        try {
          return await this.attempt(member, check, records, offsets);
        } catch (error) {
          await this.undo(error as ClientError);
          check();
          // In the middle of a rebalance the group may be a generation ahead of a member that keeps its partitions.
          if (isMigration(error) && attempt < generationTries) await sleep(this.surroundings.clock, generationWait_ms);
          else if (error instanceof MillraceError || isMigration(error)) throw error;
          else
            throw new RetriableError('transaction-failed', `a transaction failed: ${messageOf(error)}`, {
              cause: error,
            });
        }
      }
    });
  }

  private async attempt(
    member: ConsumerClient,
    check: () => void,
    records: readonly Append[],
    offsets: readonly Offset[],
  ): Promise<readonly number[]> {
    this.goOn();
    check();
    const client = this.client!;
    const reports = await this.begin(client, records);
    check();
    await this.retry('sending offsets to a transaction', (done) => {
      client.sendOffsetsToTransaction(offsets.map(toPart), member, request_ms, done);
    });
    check();
    await this.retry('committing a transaction', (done) => {
      client.commitTransaction(request_ms, done);
    });
    await reports.complete;
    return reports.offsets;
  }

  close(): Promise<void> {
    this.closing ??= this.disconnect();
    return this.closing;
  }

  private async begin(client: ProducerClient, records: readonly Append[]): Promise<Reports> {
    await call((done) => {
      client.beginTransaction(done);
    });
    const reports = new Reports(records.length);
    for (let index = 0; index < records.length;) {
      if (!produce(client, records[index]!, { reports, index })) await sleep(this.surroundings.clock, retryFull_ms);
      // A commit may hold any number of records: rows are not to wait for all of them.
      else if ((index += 1) % turn_records === 0) await endOfTurn();
    }
    return reports;
  }

  /** Leaves no transaction open: aborted here, or by the next life of the same transactional id, which decides any outcome. */
  private async undo(cause: ClientError): Promise<void> {
    const { logger } = this.surroundings;
    const client = this.client;
    if (client === null) return;
    logger.warn({ transactor: this.options.name, code: cause.code }, `transaction not committed: ${messageOf(cause)}`);
    if (cause.isFatal !== true) {
      try {
        await this.retry('aborting a transaction', (done) => {
          client.abortTransaction(request_ms, done);
        });
        return;
      } catch (error) {
        logger.warn({ transactor: this.options.name }, `not aborted: ${messageOf(error)}; opening transactions anew`);
      }
    }
    await this.disconnect();
    try {
      await retrying({ ...this.surroundings, what: 'opening transactions anew', goOn: this.goOn }, () => this.open());
    } catch (error) {
      if (this.closing === null) this.options.failed(error as Error);
    }
  }

  private retry(
    what: string,
    start: (done: (error: ClientError | null | undefined) => void) => void,
  ): Promise<unknown> {
    return retrying({ ...this.surroundings, what, goOn: this.goOn }, () =>
      call<undefined>((done) => {
        start((error) => {
          done(error, undefined);
        });
      }),
    );
  }

  private readonly goOn = (): void => {
    if (this.closing !== null)
      throw new RetriableError('transaction-failed', `transactor ${this.options.name} is closed`);
  };

  private async disconnect(): Promise<void> {
    const client = this.client;
    if (client === null) return;
    this.client = null;
    const disconnected = new Promise<void>((resolve) => {
      client.disconnect(1, resolve);
    });
    await atMost(this.surroundings.clock, disconnect_ms, disconnected);
  }
}

/** False when the client's queue has no room. @throws ClientError */
function produce(client: ProducerClient, { topic, partition, key, value }: Append, opaque: object): boolean {
  const whole = (bytes: Uint8Array | null): Uint8Array | null => (bytes?.length === 0 ? empty : bytes);
  try {
    client.produce(topic, partition, whole(value), whole(key), null, opaque);
    return true;
  } catch (error) {
    if ((error as ClientError).code === codes.queueFull) return false;
    throw error;
  }
}
