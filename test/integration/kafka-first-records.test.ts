/**
 * A leader that is not yet ready turns the first batch of a producer away and takes the one behind it; the client holds both for written then.
 * Found as 2 records in 20,000, for partitions made a moment before, that were acknowledged and not there. It comes about once in a
 * hundred such topics, so the client here stands for it.
 */
import { afterEach, expect, test, vi } from 'vitest';
import type { ConsumerClient, DeliveryReport, ProducerClient } from '../../src/log/kafka/client.ts';
import { KafkaGroupConsumer } from '../../src/log/kafka/kafka-group.ts';
import { openProducer } from '../../src/log/kafka/kafka-producer.ts';
import { openTransactor } from '../../src/log/kafka/kafka-transactor.ts';
import type { Append } from '../../src/log/log.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { endOfTurn } from '../../src/time/clock.ts';
import { SteppedClock } from '../support/stepped-clock.ts';

type Delivered = (error: null, report: DeliveryReport) => void;

/** What was handed to the client and is not acknowledged. */
const onTheirWay: DeliveryReport[] = [];
let room = Infinity;
let delivered: Delivered = () => undefined;
let flushing: (() => void)[] = [];

const done = (_: unknown, callback: (error: null, result: object) => void): void => {
  callback(null, {});
};
const client: Partial<ProducerClient> = {
  on: (event: string, listener: unknown) => {
    if (event === 'delivery-report') delivered = listener as Delivered;
  },
  connect: done,
  setPollInBackground: () => undefined,
  disconnect: (_, callback) => {
    callback();
  },
  initTransactions: done,
  beginTransaction: (callback) => {
    callback(null, {});
  },
  sendOffsetsToTransaction: (_, __, ___, callback) => {
    callback(null, {});
  },
  commitTransaction: done,
  flush: (_, callback) => {
    flushing.push(() => {
      callback(null, {});
    });
    flushed();
  },
  produce: (topic, partition, value, _key, _at, opaque) => {
    if (onTheirWay.length >= room) throw Object.assign(new Error('queue full'), { code: -184 });
    onTheirWay.push({ topic, partition, key: null, size: value?.length ?? 0, offset: 0, opaque });
  },
};

function flushed(): void {
  if (onTheirWay.length === 0) for (const finish of flushing.splice(0)) finish();
}

/** All that is on its way. */
function acknowledge(): void {
  for (const report of onTheirWay.splice(0)) delivered(null, report);
  flushed();
}

vi.mock('../../src/log/kafka/client.ts', async (original) => ({
  ...(await original<object>()),
  newProducer: () => client,
}));

afterEach(() => {
  room = Infinity;
  onTheirWay.length = 0;
  flushing = [];
});

const surroundings = { settings: {}, clock: new SteppedClock(0), logger: silentLogger, startTimeout_ms: 1000 };
const failed = (error: Error): void => {
  throw error;
};
const places = (): number[] => onTheirWay.map(({ partition }) => partition);
const numbers = (): unknown[] => onTheirWay.map(({ opaque }) => opaque);

test('a producer: nothing is on its way behind its first record in a partition', async () => {
  const producer = await openProducer(surroundings, { name: 'shop.ingest', failed });
  for (const partition of [0, 0, 1, 0, 1]) producer.append('t', partition, null, Buffer.from('x'));
  expect(places()).toEqual([0, 1]);
  acknowledge();
  expect(numbers()).toEqual([1, 3, 4]);
  acknowledge();
  for (const partition of [0, 0, 1]) producer.append('t', partition, null, Buffer.from('x'));
  expect(places()).toEqual([0, 0, 1]);
  acknowledge();
  await producer.flush();
  expect(producer.pending_bytes).toBe(0);
  await producer.close();
});

test('a producer whose client has no room: a partition keeps its order', async () => {
  const { clock } = surroundings;
  const producer = await openProducer(surroundings, { name: 'shop.ingest', failed });
  const append = (...partitions: number[]): void => {
    for (const partition of partitions) producer.append('t', partition, null, Buffer.from('x'));
  };
  room = 0;
  append(0);
  room = 1;
  await clock.pass(10);
  // Two behind the first, and one more behind another partition's that finds no room.
  append(0, 0, 1, 0);
  const seen: unknown[] = [];
  while (seen.length < 5) {
    expect(onTheirWay).toHaveLength(1);
    seen.push(...numbers());
    acknowledge();
    await clock.pass(10);
  }
  expect(seen).toEqual([0, 1, 2, 3, 4]);
  await producer.flush();
  await producer.close();
});

test('a transactor: nothing is on its way behind its first record in a partition, and each offset stands with its record', async () => {
  const transactor = await openTransactor(surroundings, { name: 'shop.entity', failed });
  const member = Object.create(KafkaGroupConsumer.prototype, {
    transact: {
      value: (_: unknown, run: (member: ConsumerClient, check: () => void) => unknown) =>
        run({} as ConsumerClient, () => undefined),
    },
  }) as KafkaGroupConsumer;
  const records = [0, 0, 1, 0].map((partition): Append => ({ topic: 't', partition, key: null, value: null }));
  const rounds: number[][] = [];
  const commit = async (): Promise<readonly number[]> => {
    let isOver = false;
    const committing = transactor.commit(member, records, []).finally(() => (isOver = true));
    let offset = 0;
    while (!isOver) {
      await endOfTurn();
      if (onTheirWay.length === 0) continue;
      rounds.push(places());
      for (const report of onTheirWay) Object.assign(report, { offset: offset++ });
      acknowledge();
    }
    return committing;
  };
  expect(await commit()).toEqual([0, 2, 1, 3]);
  expect(rounds).toEqual([
    [0, 1],
    [0, 0],
  ]);
  rounds.length = 0;
  expect(await commit()).toEqual([0, 1, 2, 3]);
  expect(rounds).toEqual([[0, 0, 1, 0]]);
  await transactor.close();
});
