/** A holder of transactions that comes back after a kill decides what it had left open, on a real broker. */
import { promisify } from 'node:util';
import kafka from '@confluentinc/kafka-javascript';
import { afterEach, expect, test } from 'vitest';
import { createKafkaLog } from '../../src/log/kafka/kafka-log.ts';
import type { Log } from '../../src/log/log.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { systemClock } from '../../src/time/clock.ts';
import { deleteTopics } from '../support/captured-shop.ts';
import { uniqueName } from '../support/log-member.ts';

/** Longer than the test may take: what is decided before was decided by the holder. */
const limit_ms = 600_000;

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const brokers = (): string => process.env['MILLRACE_KAFKA_BROKERS']!;
const failed = (error: Error): void => {
  throw error;
};

async function open(groupInstanceId?: string): Promise<Log> {
  const log = await createKafkaLog({
    settings: { 'bootstrap.servers': brokers() },
    clock: systemClock,
    logger: silentLogger,
    ...(groupInstanceId === undefined ? {} : { groupInstanceId }),
  });
  closing.push(() => log.close());
  return log;
}

/** One record in a transaction that is neither committed nor aborted. */
async function leaveOpen(topic: string, transactionalId: string): Promise<void> {
  const done = (call: (callback: (error: unknown) => void) => void): Promise<void> => promisify(call)();
  const settings = { 'bootstrap.servers': brokers(), 'transactional.id': transactionalId };
  const producer = new kafka.Producer({ ...settings, 'transaction.timeout.ms': limit_ms }, {});
  closing.push(() => done((callback) => producer.disconnect(callback)));
  await done((callback) => producer.connect({}, callback));
  await done((callback) => producer.initTransactions(10_000, callback));
  await done((callback) => producer.beginTransaction(callback));
  producer.produce(topic, 0, Buffer.from('undecided'));
  await done((callback) => producer.flush(10_000, callback));
}

async function endOf(log: Log, topic: string): Promise<number> {
  const reader = await log.reader({ batch: () => undefined, failed });
  const [end] = await reader.endOffsets([{ topic, partition: 0 }]);
  await reader.close();
  return end!;
}

async function topicOn(log: Log): Promise<string> {
  const topic = uniqueName('holder');
  closing.push(() => deleteTopics([topic]));
  await log.ensureTopics([{ name: topic, partitions: 1, config: {} }]);
  return topic;
}

test('a transaction of an earlier life on the same disk is over when the next one opens', async () => {
  const log = await open();
  const topic = await topicOn(log);
  const name = uniqueName('t');
  await leaveOpen(topic, `${name}-disk`);
  expect(await endOf(log, topic)).toBe(0);
  await log.transactor({ name, holder: 'disk', failed });
  // The record and the marker of its abort.
  expect(await endOf(log, topic)).toBe(2);
});

test('a static member is known by its name in the groups, whatever its disk', async () => {
  const log = await open('pod-0');
  const topic = await topicOn(log);
  const name = uniqueName('t');
  await leaveOpen(topic, `${name}-pod-0`);
  await log.transactor({ name, holder: 'another disk', failed });
  expect(await endOf(log, topic)).toBe(2);
});
