import { promisify } from 'node:util';
import kafka from '@confluentinc/kafka-javascript';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createKafkaLog } from '../../src/log/kafka/kafka-log.ts';
import type { Log } from '../../src/log/log.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { systemClock } from '../../src/time/clock.ts';
import { logSuite, type LogUnderTest } from '../conformance/log.suite.ts';
import { transactorSuite } from '../conformance/transactor.suite.ts';
import { rebalanceSuite } from '../conformance/rebalance.suite.ts';
import { deleteBefore } from '../support/delete-records.ts';
import { bytes, idOf, Member, partitionsOf, text, uniqueName } from '../support/log-member.ts';
import { until } from '../support/until.ts';

const brokers = (): string => process.env['MILLRACE_KAFKA_BROKERS']!;
const options = { clock: systemClock, logger: silentLogger };
const open = (): Promise<Log> => createKafkaLog({ ...options, settings: { 'bootstrap.servers': brokers() } });

async function newTopic(log: Log, partitions: number, config: Record<string, string> = {}): Promise<string> {
  const name = uniqueName('topic');
  await log.ensureTopics([{ name, partitions, config }]);
  return name;
}

async function create(): Promise<LogUnderTest> {
  const log = await open();
  return { log, topic: (partitions) => newTopic(log, partitions), close: () => log.close() };
}

describe('kafka log', () => {
  logSuite(create);
  rebalanceSuite(create);
  transactorSuite(create);
});

/** A transaction of one record; every transaction leaves a marker in each of its partitions. */
async function transact(topic: string, partition: number, value: string, end: 'commit' | 'abort'): Promise<void> {
  const done = (call: (callback: (error: unknown) => void) => void): Promise<void> => promisify(call)();
  const producer = new kafka.Producer({ 'bootstrap.servers': brokers(), 'transactional.id': uniqueName('tx') }, {});
  await done((callback) => producer.connect({}, callback));
  await done((callback) => producer.initTransactions(10_000, callback));
  await done((callback) => producer.beginTransaction(callback));
  producer.produce(topic, partition, Buffer.from(value));
  await done((callback) => producer.flush(10_000, callback));
  if (end === 'commit') await done((callback) => producer.commitTransaction(10_000, callback));
  else await done((callback) => producer.abortTransaction(10_000, callback));
  await done((callback) => producer.disconnect(callback));
}

describe('kafka alone', () => {
  let log: Log;
  beforeAll(async () => {
    log = await open();
  });
  afterAll(() => log.close());

  const fill = async (topic: string, partition: number, count: number): Promise<void> => {
    const producer = await log.producer({ name: 'fill', failed: (error) => expect.fail(error.message) });
    for (let i = 0; i < count; i += 1) producer.append(topic, partition, null, bytes(String(i)));
    await producer.flush();
    await producer.close();
  };

  test('position passes the markers of transactions and aborted records', async () => {
    const topic = await newTopic(log, 2);
    await transact(topic, 0, 'kept', 'commit');
    await transact(topic, 0, 'dropped', 'abort');
    await transact(topic, 1, 'dropped', 'abort');
    const member = await new Member().join(log, uniqueName('g'), [topic]);
    const all = partitionsOf(topic, 2);
    expect(await member.consumer!.endOffsets(all)).toEqual([4, 2]);
    await until('the ends', () => all.every((at, i) => (member.consumer!.position(at) ?? 0) >= [4, 2][i]!));
    expect(member.texts()).toEqual(['kept']);
    await transact(topic, 0, 'kept too', 'commit');
    await until('the new end', () => member.consumer!.position(all[0]!) === 6);
    expect(member.texts()).toEqual(['kept', 'kept too']);
    await member.consumer!.close();
  });

  test.each([
    ['beyond the end', 99],
    ['before the beginning', 2],
  ])('a start offset %s fails and names the place and the remedy', async (_, offset) => {
    const topic = await newTopic(log, 2, { 'cleanup.policy': 'delete' });
    await fill(topic, 0, 10);
    await deleteBefore(topic, 0, 5);
    const member = new Member();
    member.starts = () => [{ topic, partition: 0, offset }];
    await member.join(log, uniqueName('g'), [topic]);
    await until('failed', () => member.failures.length > 0);
    expect(member.failures).toMatchObject([
      { name: 'FatalError', message: expect.stringMatching(/start the entity anew/) },
    ]);
    expect(member.failures[0]!.message).toContain(`topic ${topic} partition 0 from offset ${offset}`);
    expect(member.records).toEqual([]);
    await member.consumer!.close();
  });

  test('a committed offset that retention has passed fails instead of being reset', async () => {
    const topic = await newTopic(log, 1, { 'cleanup.policy': 'delete' });
    const group = uniqueName('g');
    await fill(topic, 0, 10);
    const before = await new Member().join(log, group, [topic]);
    await until(
      () => `10 records: ${before.describe()}`,
      () => before.records.length === 10,
    );
    await before.consumer!.commit([{ topic, partition: 0, offset: 4 }]);
    await before.consumer!.close();
    await deleteBefore(topic, 0, 5);
    const after = await new Member().join(log, group, [topic]);
    await until('failed', () => after.failures.length > 0);
    expect(after.failures[0]!.message).toContain('from offset 4');
    await after.consumer!.close();

    const anew = await new Member().join(log, uniqueName('g'), [topic]);
    await until(
      () => `5 records: ${anew.describe()}`,
      () => anew.records.length === 5,
    );
    expect(await anew.consumer!.beginningOffsets([{ topic, partition: 0 }])).toEqual([5]);
    await anew.consumer!.close();

    const reader = await log.reader({ batch: () => undefined, failed: () => undefined });
    expect(await reader.beginningOffsets([{ topic, partition: 0 }])).toEqual([5]);
    await reader.close();
  });

  test.each([
    ['the client', {}, 9_000_000],
    ['the broker', { 'max.message.bytes': '10000' }, 20_000],
  ])('a record that %s finds too large kills the producer, and nothing follows it', async (_, config, size) => {
    const topic = await newTopic(log, 1, config);
    const failures: Error[] = [];
    const producer = await log.producer({ name: 'too-large', failed: (error) => failures.push(error) });
    producer.append(topic, 0, null, bytes('before'));
    await producer.flush();
    const noise = Buffer.from(Array.from({ length: size }, () => Math.floor(Math.random() * 256)));
    try {
      producer.append(topic, 0, null, noise);
    } catch (error) {
      expect(error).toMatchObject({ code: 'delivery-failed' });
    }
    await expect(producer.flush()).rejects.toMatchObject({ code: 'delivery-failed' });
    await until('failed', () => failures.length === 1);
    expect(() => producer.append(topic, 0, null, bytes('after'))).toThrow(/too-large/);
    await expect(producer.flush()).rejects.toMatchObject({ code: 'delivery-failed' });
    await producer.close();
    expect(failures).toHaveLength(1);
    const seen: (string | null)[] = [];
    const reader = await log.reader({
      batch: (records) => void seen.push(...records.map(({ value }) => text(value))),
      failed: (error) => expect.fail(error.message),
    });
    const [end] = await reader.endOffsets([{ topic, partition: 0 }]);
    await reader.assign([{ topic, partition: 0, offset: 0 }]);
    await until('all read', () => seen.length === end);
    expect(seen).toEqual(['before']);
    await reader.close();
  });

  test('more records than the client queues come in order', async () => {
    const small = await createKafkaLog({
      ...options,
      settings: { 'bootstrap.servers': brokers(), 'queue.buffering.max.messages': '100' },
    });
    const topic = await newTopic(small, 2);
    const producer = await small.producer({ name: 'small', failed: (error) => expect.fail(error.message) });
    for (let i = 0; i < 5000; i += 1) producer.append(topic, i % 2, bytes('key'), bytes(String(i)));
    expect(producer.pending_bytes).toBeGreaterThan(5000 * 3);
    await producer.flush();
    expect(producer.pending_bytes).toBe(0);
    const member = await new Member().join(small, uniqueName('g'), [topic]);
    await until(
      () => `5,000 records: ${member.describe()}`,
      () => member.records.length === 5000,
    );
    for (const at of partitionsOf(topic, 2)) {
      expect(member.texts(at)).toEqual(Array.from({ length: 2500 }, (_, i) => String(i * 2 + at.partition)));
    }
    await member.consumer!.close();
    await small.close();
  });

  test('a commit of a partition that left is refused', async () => {
    const topic = await newTopic(log, 1);
    const member = await new Member().join(log, uniqueName('g'), [topic]);
    await until('owned', () => member.owned.size === 1);
    await expect(member.consumer!.commit([{ topic: 'other', partition: 0, offset: 1 }])).rejects.toMatchObject({
      name: 'TaskMigratedError',
    });
    await member.consumer!.close();
    await expect(member.consumer!.commit([{ topic, partition: 0, offset: 1 }])).rejects.toMatchObject({
      name: 'RetriableError',
    });
  });

  test('a member that is being joined by another keeps its batches out of the way of a slow revoke', async () => {
    const topic = await newTopic(log, 2);
    const group = uniqueName('g');
    let revoking = false;
    let mayEnd_ms = Infinity;
    let batchesMeanwhile = 0;
    const first = new Member();
    first.beforeRelease = async () => {
      revoking = true;
      await until('it may end', () => performance.now() > mayEnd_ms);
      revoking = false;
    };
    first.onBatch = () => {
      if (revoking) batchesMeanwhile += 1;
    };
    await first.join(log, group, [topic]);
    await until('owned', () => first.owned.size === 2);
    const second = await new Member().join(log, group, [topic]);
    await until('revoking', () => revoking);
    await fill(topic, 0, 100);
    await fill(topic, 1, 100);
    expect([...second.owned.keys()]).toEqual([]);
    // Long enough for a batch to come if it could.
    mayEnd_ms = performance.now() + 500;
    await until('shared', () => first.owned.size === 1 && second.owned.size === 1);
    await until(
      '200 records',
      () => new Set([...first.records, ...second.records].map((r) => `${idOf(r)}@${r.offset}`)).size === 200,
    );
    expect(batchesMeanwhile).toBe(0);
    await second.consumer!.close();
    await first.consumer!.close();
  });

  test('no broker: says which address and which variable', async () => {
    const settings = { 'bootstrap.servers': '127.0.0.1:1' };
    await expect(createKafkaLog({ ...options, settings, startTimeout_ms: 500 })).rejects.toMatchObject({
      name: 'FatalError',
      code: 'log-unavailable',
      message: expect.stringMatching(/cannot reach Kafka at 127\.0\.0\.1:1; check MILLRACE_KAFKA_BROKERS/),
    });
  });
});
