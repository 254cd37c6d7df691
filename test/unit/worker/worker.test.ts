import { afterEach, beforeEach, expect, test } from 'vitest';
import { buildPlan } from '../../../src/define/plan-builder.ts';
import { RetriableError } from '../../../src/errors.ts';
import type { OnlineStore, OnlineWrite } from '../../../src/online/online-store.ts';
import { count, featureView, max, tumbling } from '../../../src/index.ts';
import { deadLetterTopic, entityLogTopic } from '../../../src/worker/topics.ts';
import type { DeadLetter } from '../../../src/worker/dead-letters.ts';
import { envelope, transactionFields } from '../../support/envelope.ts';
import { application, MemoryFleet } from '../../support/memory-worker.ts';
import { shop, transactions, user } from '../../support/shop.ts';
import { until } from '../../support/until.ts';

const topic = 'dbserver.public.transactions';
const now_us = Date.now() * 1000;

const planOf = (table: typeof transactions): ReturnType<typeof buildPlan> =>
  buildPlan({
    view: featureView('user_features', {
      entity: user,
      from: { tx: table.by({ user_id: 'user_id' }) },
      features: ({ tx }) => ({
        n: count(tx).over(tumbling('7d')),
        newest: max(tx.transaction_id).over(tumbling('7d')),
      }),
    }),
  });

const tableWith = (options: { onError: 'fail' | 'skip' | 'dead-letter' }): typeof transactions =>
  shop.table('public.transactions', {
    columns: transactions.columns,
    primaryKey: ['transaction_id'],
    replicaIdentity: 'full',
    time: { event: 'transaction_time', outOfOrderness: '5s' },
    ...options,
  });

/** The insertion of a row: user 1's if it is odd, user 2's if it is even, unless said otherwise. */
function insertion(id: number, user = id % 2 === 0 ? 2 : 1): Buffer {
  const row = { id, user, cents: 100, status: 'ok', location: null, time_us: now_us + id };
  return envelope({ after: transactionFields(row), commit_us: now_us + id, sequence: [null, id] });
}

const garbage = Buffer.from('{"not":"an envelope"}');
const truncate = envelope({ op: 't' });

let fleet: MemoryFleet;

beforeEach(async () => {
  fleet = await MemoryFleet.create(planOf(transactions));
});
afterEach(() => fleet.close());

test('rows in, features out', async () => {
  const running = fleet.worker();
  await running.worker.start();
  for (const id of [1, 2, 3]) fleet.append(topic, id, insertion(id));
  await fleet.settled(running);
  expect(await fleet.features('user_features:1')).toEqual({ n: '2', newest: '3' });
  expect(await fleet.features('user_features:2')).toEqual({ n: '1', newest: '2' });
});

test('rows before a record that stops the source are neither lost nor counted twice after the restart', async () => {
  for (const id of [1, 3, 5]) fleet.append(topic, id, insertion(id));
  fleet.append(topic, 1, truncate);
  const first = fleet.worker();
  await first.worker.start();
  await until('the source stops', () => first.failures.length > 0);
  expect(first.failures[0]!.message).toMatch(/^topic dbserver\.public\.transactions, partition 1, offset 3: TRUNCATE/);
  await first.worker.stop();
  const second = fleet.worker();
  await second.worker.start();
  await until('the source stops again', () => second.failures.length > 0);
  await second.worker.stop();
  expect(await fleet.features('user_features:1')).toEqual({ n: '3', newest: '5' });
});

test('a worker that starts anew rebuilds its state and writes nothing at or below what was committed', async () => {
  const first = fleet.worker();
  await first.worker.start();
  for (const id of [1, 2, 3]) fleet.append(topic, id, insertion(id));
  await fleet.settled(first);
  await first.worker.stop();
  const written: OnlineWrite[] = [];
  const second = fleet.worker({ online: spying(fleet.online, (writes) => void written.push(...writes)) });
  await second.worker.start();
  fleet.append(topic, 5, insertion(5));
  await fleet.settled(second);
  expect(written.map(({ key, values }) => [key, ...values])).toEqual([['user_features:1', '3', '5']]);
});

test('while the online store is away nothing is committed; when it is back every value arrives', async () => {
  let away = true;
  const refusing = spying(fleet.online, () => {
    if (away) throw new RetriableError('store-unavailable', 'away for a test');
  });
  const first = fleet.worker({ online: refusing });
  await first.worker.start();
  for (let id = 1; id <= 50; id++) fleet.append(topic, id, insertion(id));
  const retried = /millrace_online_writes_total\{result="retried"\} \d/;
  await until('a write was refused', async () => retried.test(await first.metrics.render()));
  await until('all rows wait', async () => /millrace_online_pending_values ([1-9])/.test(await first.metrics.render()));
  expect(await committedPositions()).toEqual([]);
  away = false;
  await fleet.settled(first);
  expect(await fleet.features('user_features:1')).toEqual({ n: '25', newest: '49' });
  expect(await fleet.features('user_features:2')).toEqual({ n: '25', newest: '50' });
  expect(await committedPositions()).not.toEqual([]);
});

test('while the online store is away frames wait too: memory is bounded, and the worker can still be stopped', async () => {
  const away = spying(fleet.online, () => {
    throw new RetriableError('store-unavailable', 'away for a test');
  });
  const { worker, metrics, failures } = fleet.worker({ online: away });
  const rows = 250_000;
  for (let id = 1; id <= rows; id++) fleet.append(topic, id, insertion(id, id));
  await worker.start();
  const pending = async (): Promise<number> =>
    Number(/millrace_online_pending_values (\d+)/.exec(await metrics.render())?.[1] ?? 0);
  const taken = `millrace_source_records_total{topic="${topic}",outcome="row"} ${rows}`;
  await until('all rows are ingested', async () => (await metrics.render()).includes(taken));
  await until('frames wait', async () => (await pending()) > 100_000);
  // 64 MiB, and the values of the one frame that went past it; one is of 500 bytes at least.
  expect(await pending()).toBeLessThan((64 * 1024 * 1024) / 500);
  await worker.stop();
  expect(failures).toEqual([]);
  expect(await committedPositions()).toEqual([]);
}, 60_000);

test('a second worker takes over its share; values go on from where they were', async () => {
  const first = fleet.worker();
  await first.worker.start();
  for (let id = 1; id <= 20; id++) fleet.append(topic, id, insertion(id));
  await fleet.settled(first);
  const second = fleet.worker();
  await second.worker.start();
  const owned = /millrace_tasks_owned\{kind="entity"\} [12]/;
  await until('the second owns some', async () => owned.test(await second.metrics.render()));
  for (let id = 21; id <= 40; id++) fleet.append(topic, id, insertion(id));
  await until('the new rows are in', async () => (await fleet.features('user_features:2'))['newest'] === '40');
  await until('the new rows are in', async () => (await fleet.features('user_features:1'))['newest'] === '39');
  await first.worker.stop();
  fleet.append(topic, 41, insertion(41));
  await until('the last row is in', async () => (await fleet.features('user_features:1'))['newest'] === '41');
  expect(await fleet.features('user_features:1')).toEqual({ n: '21', newest: '41' });
  expect(await fleet.features('user_features:2')).toEqual({ n: '20', newest: '40' });
});

test('a record that cannot be used is dead-lettered whole, with its place and the reason, and the rows around it count', async () => {
  const running = fleet.worker();
  await running.worker.start();
  fleet.append(topic, 1, insertion(1));
  fleet.append(topic, 1, garbage);
  fleet.append(topic, 3, insertion(3));
  await fleet.settled(running);
  const letters = (await fleet.records(deadLetterTopic(application))).map(
    ({ value }) => JSON.parse(Buffer.from(value!).toString()) as DeadLetter,
  );
  expect(letters).toHaveLength(1);
  const letter = letters[0]!;
  expect(letter).toMatchObject({ topic, partition: 1, offset: 1, code: 'record-undecodable' });
  expect(letter.reason).toContain('must be an unchanged Debezium envelope');
  expect(Buffer.from(letter.value_base64!, 'base64')).toEqual(garbage);
  expect(await fleet.features('user_features:1')).toEqual({ n: '2', newest: '3' });
  const dead = `millrace_source_records_total{topic="${topic}",outcome="dead_lettered"} 1`;
  expect(await running.metrics.render()).toContain(dead);
});

test.each([
  ['skip', 0],
  ['fail', 1],
] as const)('onError: %s', async (onError, failures) => {
  const strict = await MemoryFleet.create(planOf(tableWith({ onError })));
  try {
    const running = strict.worker();
    await running.worker.start();
    strict.append(topic, 1, insertion(1));
    strict.append(topic, 1, garbage);
    if (failures > 0) await until('it fails', () => running.failures.length > 0);
    else await strict.settled(running);
    expect(running.failures.map(({ message }) => message.slice(0, 58))).toEqual(
      failures > 0 ? ['topic dbserver.public.transactions, partition 1, offset 1:'] : [],
    );
    expect(await strict.records(deadLetterTopic(application))).toEqual([]);
  } finally {
    await strict.close();
  }
});

test('a source topic that does not exist is named, with what to look at', async () => {
  const other = shop.table('public.nowhere', {
    columns: transactions.columns,
    primaryKey: ['transaction_id'],
    time: { event: 'transaction_time' },
  });
  const empty = await MemoryFleet.create({ entities: [] });
  try {
    const lost = new MemoryFleetOn(empty, planOf(other));
    await expect(lost.start()).rejects.toThrow(
      /do not exist:\n {2}- dbserver\.public\.nowhere \(table public\.nowhere\)\n.*table\.include\.list/,
    );
  } finally {
    await empty.close();
  }
});

/** A worker for one plan on the topics of another. */
class MemoryFleetOn {
  private readonly fleet: MemoryFleet;

  constructor(topics: MemoryFleet, plan: MemoryFleet['plan']) {
    this.fleet = Object.assign(Object.create(topics) as MemoryFleet, { plan });
  }

  start(): Promise<void> {
    return this.fleet.worker().worker.start();
  }
}

/** The online store, with a look at each call before it is made. */
function spying(store: OnlineStore, look: (writes: readonly OnlineWrite[]) => void): OnlineStore {
  return {
    upsert: async (writes, canaries) => {
      look(writes);
      return store.upsert(writes, canaries);
    },
    read: (keys) => store.read(keys),
    close: () => store.close(),
  };
}

/** The positions that the entity group has committed in partitions that hold rows. */
async function committedPositions(): Promise<number[]> {
  const entity = fleet.plan.entities[0]!;
  const name = entityLogTopic(application, entity);
  const consumer = await fleet.log.groupConsumer({
    group: `${application}.entity`,
    topics: [],
    handlers: {
      assigned: () => Promise.resolve([]),
      revoked: () => Promise.resolve(),
      lost: () => undefined,
      batch: () => undefined,
      failed: () => undefined,
    },
  });
  const partitions = Array.from({ length: entity.partitions }, (_, partition) => ({ topic: name, partition }));
  const committed = await consumer.committed(partitions);
  await consumer.close();
  return committed.flatMap((offset) => (offset === null ? [] : [offset.offset]));
}
