/** Transactions on Kafka: records and a group's offsets in one step. protocol: commit. */
import { randomUUID } from 'node:crypto';
import { FatalError, messageOf, MillraceError, RetriableError } from '../../errors.ts';
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
import { brokersLost, watchBrokers } from './broker-watch.ts';
import { connect, type Surroundings } from './connection.ts';
import { toPart } from './committed-offsets.ts';
import { isMigration, KafkaGroupConsumer } from './kafka-group.ts';
import { KnownPartitions } from './known-partitions.ts';
import { partitionId } from '../partition-id.ts';
import { isPassing, retrying } from './retry.ts';
import { transactorSettings } from './settings.ts';

/** The client sends a buffer without memory as a tombstone; a slice of a real one stays empty. */
const empty = Buffer.alloc(1).subarray(1);
const init_ms = 15_000;
const request_ms = 10_000;
/** A call has its own time limit; one that is still silent this much later will not answer. */
const silence_ms = 10_000;
/** By then the coordinator has decided the transaction; what still fails is given up, and a new client finds out. */
const patience_ms = 20_000;
const retryFull_ms = 2;
const turn_records = 500;
const disconnect_ms = 10_000;
const reopen_ms = 1000;
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
  /** One for the life of the process, and for those before and after it if they are known: who opens it again decides what the last holder left open. */
  private readonly transactionalId: string;
  private client: ProducerClient | null = null;
  private known: KnownPartitions;
  private closing: Promise<void> | null = null;

  constructor(surroundings: Surroundings, options: TransactorOptions) {
    this.surroundings = surroundings;
    this.options = options;
    this.known = new KnownPartitions(surroundings.clock);
    this.transactionalId = `${options.name}-${surroundings.groupInstanceId ?? options.holder ?? randomUUID()}`;
  }

  async open(): Promise<void> {
    const client = newProducer(transactorSettings(this.surroundings.settings, this.transactionalId));
    client.on('delivery-report', (error, report: DeliveryReport) => {
      const { reports, index } = report.opaque as { reports: Reports; index: number };
      reports.take(index, error, report.offset);
    });
    watchBrokers(client, () => {
      if (this.client === client) this.options.failed(brokersLost(`transactor ${this.options.name}`));
    });
    // One that does not connect is gone by itself, and refuses to be disconnected.
    await connect(client, this.surroundings, { transactor: this.options.name });
    client.setPollInBackground(true);
    this.client = client;
    this.known = new KnownPartitions(this.surroundings.clock);
    await this.retry('opening transactions', init_ms, (limit_ms, done) => {
      client.initTransactions(limit_ms, done);
    });
  }

  commit(consumer: GroupConsumer, records: readonly Append[], offsets: readonly Offset[]): Promise<readonly number[]> {
    if (!(consumer instanceof KafkaGroupConsumer)) throw new TypeError('the consumer is of another log');
    return consumer.transact(offsets, async (member, check) => {
      for (let attempt = 1; ; attempt += 1) {
        try {
          return await this.attempt(member, check, records, offsets);
        } catch (error) {
          await this.undo(error as ClientError | FatalError);
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
    // An abort drops what still waits in the client, and librdkafka (2.15) leaves a hole for it in the sequence of the next transaction.
    await this.flush(client);
    check();
    await this.retry('sending offsets to a transaction', request_ms, (limit_ms, done) => {
      client.sendOffsetsToTransaction(offsets.map(toPart), member, limit_ms, done);
    });
    check();
    await this.retry('committing a transaction', request_ms, (limit_ms, done) => {
      client.commitTransaction(limit_ms, done);
    });
    await reports.complete;
    for (const index of runsOf(records)) this.known.acknowledged(records[index]!);
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
    const firsts = this.firstRecords(records);
    if (firsts.size > 0) {
      await this.produce(client, records, firsts, reports);
      await this.flush(client);
    }
    const others = firsts.size === 0 ? records.keys() : [...records.keys()].filter((index) => !firsts.has(index));
    await this.produce(client, records, others, reports);
    return reports;
  }

  /** Where those stand that are the first of this client in their partitions. */
  private firstRecords(records: readonly Append[]): ReadonlySet<number> {
    const firsts = new Map<string, number>();
    for (const index of runsOf(records)) {
      const at = records[index]!;
      if (!this.known.has(at) && !firsts.has(partitionId(at))) firsts.set(partitionId(at), index);
    }
    return new Set(firsts.values());
  }

  private async produce(
    client: ProducerClient,
    records: readonly Append[],
    indexes: Iterable<number>,
    reports: Reports,
  ): Promise<void> {
    let sent = 0;
    for (const index of indexes) {
      while (!produce(client, records[index]!, { reports, index })) await sleep(this.surroundings.clock, retryFull_ms);
      // A commit may hold any number of records: rows are not to wait for all of them.
      if ((sent += 1) % turn_records === 0) await endOfTurn();
    }
  }

  private async flush(client: ProducerClient): Promise<void> {
    await this.retry('sending the records of a transaction', request_ms, (limit_ms, done) => {
      client.flush(limit_ms, done);
    });
  }

  /** Leaves no transaction open: aborted here, or by the next life of the same transactional id, which decides any outcome. */
  private async undo(cause: ClientError | FatalError): Promise<void> {
    const { logger } = this.surroundings;
    const client = this.client;
    // Nothing more is to be had of a client that does not answer.
    if (client === null || cause instanceof FatalError) return;
    logger.warn({ transactor: this.options.name, code: cause.code }, `transaction not committed: ${messageOf(cause)}`);
    if (cause.isFatal !== true) {
      try {
        await this.retry('aborting a transaction', request_ms, (limit_ms, done) => {
          client.abortTransaction(limit_ms, done);
        });
        return;
      } catch (error) {
        logger.warn({ transactor: this.options.name }, `not aborted: ${messageOf(error)}; opening transactions anew`);
      }
    }
    await this.disconnect();
    try {
      await this.openAnew();
    } catch (error) {
      if (this.closing === null) this.options.failed(error as Error);
    }
  }

  /** Waits out an outage. */
  private async openAnew(): Promise<void> {
    const { clock, logger } = this.surroundings;
    for (;;) {
      this.goOn();
      try {
        await this.open();
        return;
      } catch (error) {
        if (!(error instanceof MillraceError) && !isPassing(error)) throw error;
        logger.warn({ transactor: this.options.name }, `opening transactions anew: ${messageOf(error)}; trying again`);
        await this.disconnect();
        await sleep(clock, reopen_ms);
      }
    }
  }

  private retry(
    what: string,
    limit_ms: number,
    start: (limit_ms: number, done: (error: ClientError | null | undefined) => void) => void,
  ): Promise<unknown> {
    const { clock } = this.surroundings;
    const since_ms = clock.monotonic_ms();
    const goOn = (): void => {
      this.goOn();
      if (clock.monotonic_ms() - since_ms > patience_ms)
        throw new RetriableError('transaction-failed', `${what} failed for ${patience_ms / 1000} s`);
    };
    return retrying({ ...this.surroundings, what, goOn }, () =>
      this.answered(
        what,
        limit_ms + silence_ms,
        call<undefined>((done) => {
          start(limit_ms, (error) => {
            done(error, undefined);
          });
        }),
      ),
    );
  }

  /** librdkafka (2.15) was seen never to answer, time limit or not, when a broker came back in the middle of a transaction. */
  private answered(what: string, limit_ms: number, answer: Promise<unknown>): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const cancel = this.surroundings.clock.after(limit_ms, () => {
        const place = `transactor ${this.options.name}: ${what}`;
        const silent = new FatalError(
          'log-unavailable',
          `${place}: the Kafka client never answered; restart this worker`,
        );
        this.options.failed(silent);
        reject(silent);
      });
      answer.then(resolve, reject).finally(cancel);
    });
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

/** Where each run of records of one partition begins: a commit has thousands of records, and few runs. */
function* runsOf(records: readonly Append[]): Generator<number> {
  for (const [index, { topic, partition }] of records.entries()) {
    const before = records[index - 1];
    if (before?.partition !== partition || before.topic !== topic) yield index;
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
