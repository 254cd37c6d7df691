/** A transaction whose offsets the group refused, on a real broker: it is made again, and nothing of the first try is in its way. */
import { afterEach, expect, test } from 'vitest';
import { type ConsumerClient, newConsumer } from '../../src/log/kafka/client.ts';
import { connect } from '../../src/log/kafka/connection.ts';
import { KafkaGroupConsumer } from '../../src/log/kafka/kafka-group.ts';
import { createKafkaLog } from '../../src/log/kafka/kafka-log.ts';
import { groupSettings } from '../../src/log/kafka/settings.ts';
import type { Append, GroupConsumer, Offset } from '../../src/log/log.ts';
import { silentLogger, type Logger } from '../../src/observability/logger.ts';
import { systemClock } from '../../src/time/clock.ts';
import { deleteTopics } from '../support/captured-shop.ts';
import { Member, partitionsOf, uniqueName } from '../support/log-member.ts';
import { until } from '../support/until.ts';

/** Many more requests than may be on their way at once: the others would wait in the client while the offsets are refused. */
const targets = 60;
const rounds = 10;
const connect_ms = 15_000;

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const settings = (): Record<string, string> => ({ 'bootstrap.servers': process.env['MILLRACE_KAFKA_BROKERS']! });

/** A client that gives itself out as a member of a group, and is none. */
async function stranger(group: string): Promise<ConsumerClient> {
  const client = newConsumer(groupSettings(settings(), group, 'stranger'));
  const surroundings = { settings: {}, clock: systemClock, logger: silentLogger, startTimeout_ms: connect_ms };
  await connect(client, surroundings, { group });
  closing.push(
    () =>
      new Promise<void>((resolve) => {
        client.disconnect(resolve);
      }),
  );
  return client;
}

interface HasNative {
  getClient(): object;
}

/** A member that the group does not know when it is asked first, as one is between a rebalance and its hearing of it. */
function behind(consumer: GroupConsumer | null, unknown: ConsumerClient): GroupConsumer {
  if (!(consumer instanceof KafkaGroupConsumer)) throw new TypeError('the consumer is of another log');
  const transact: KafkaGroupConsumer['transact'] = (offsets, run) =>
    consumer.transact(offsets, (member, check) => {
      let asked = 0;
      const client = (): HasNative => (asked++ === 0 ? unknown : member) as unknown as HasNative;
      return run({ getClient: () => client().getClient() } as unknown as ConsumerClient, check);
    });
  return Object.create(consumer, { transact: { value: transact } }) as KafkaGroupConsumer;
}

test('offsets refused by the group: the transaction is made again, with no hole in the sequence of its records', async () => {
  const warned: string[] = [];
  const logger: Logger = { ...silentLogger, warn: (_, message) => void warned.push(message) };
  const log = await createKafkaLog({ settings: settings(), clock: systemClock, logger });
  closing.push(() => log.close());
  const [source, target, group] = [uniqueName('source'), uniqueName('target'), uniqueName('g')];
  closing.push(() => deleteTopics([source, target]));
  await log.ensureTopics([
    { name: source, partitions: 1, config: {} },
    { name: target, partitions: targets, config: {} },
  ]);
  const member = await new Member().join(log, group, [source]);
  closing.push(() => member.consumer!.close());
  await until('assigned', () => member.owned.size === 1);
  const transactor = await log.transactor({
    name: uniqueName('t'),
    failed: (error) => {
      throw error;
    },
  });
  closing.push(() => transactor.close());
  const records = partitionsOf(target, targets).map((at): Append => ({
    ...at,
    key: null,
    value: Buffer.alloc(2000, 1),
  }));
  const unknown = await stranger(group);
  const upTo = (offset: number): Offset[] => [{ topic: source, partition: 0, offset }];

  for (let round = 1; round <= rounds; round++) {
    await transactor.commit(behind(member.consumer, unknown), records, upTo(round));
    await transactor.commit(member.consumer!, records, upTo(round));
  }

  const refusals = warned.filter((message) => message.startsWith('transaction not committed'));
  expect(refusals).toHaveLength(rounds);
  expect(refusals.every((message) => message.includes('Unknown member'))).toBe(true);
});
