/** A worker whose states do not fit into the memory that they may take. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { buildPlan } from '../../../src/define/plan-builder.ts';
import { EntityTask } from '../../../src/entity/entity-task.ts';
import { timersOf } from '../../../src/entity/stored-timer.ts';
import { RetriableError } from '../../../src/errors.ts';
import { count, featureView, lastN, sliding, tumbling } from '../../../src/index.ts';
import { createMemoryStateStore } from '../../../src/state/memory/memory-state-store.ts';
import { openRocksStateStore } from '../../../src/state/rocksdb/rocksdb-state-store.ts';
import { silentLogger } from '../../../src/observability/logger.ts';
import { noMetrics } from '../../../src/observability/metrics.ts';
import { StateCache, stateCacheLimits, stateCacheLimitsOf } from '../../../src/worker/state-cache.ts';
import type { StateStore, TaskWrite } from '../../../src/state/state-store.ts';
import { inserted, rowsFrame, second_us, start_us, transaction } from '../../support/entity-frames.ts';
import { envelope, transactionFields } from '../../support/envelope.ts';
import { MemoryFleet, type RunningWorker } from '../../support/memory-worker.ts';
import { transactions, user, userPlan } from '../../support/shop.ts';
import { until } from '../../support/until.ts';

const topic = 'dbserver.public.transactions';
const users = 40;
const plan = buildPlan({
  view: featureView('user_features', {
    entity: user,
    from: { tx: transactions.by({ user_id: 'user_id' }) },
    features: ({ tx }) => ({
      n: count(tx).over(tumbling('7d')),
      moments: count(tx).over(sliding('1h')),
      newest: lastN(tx.transaction_id, { limit: 2 }).over(sliding('7d')),
    }),
  }),
});

let fleet: MemoryFleet;
let folder: string;
let state: StateStore;
let rows: number;
const now_us = Date.now() * 1000;

beforeEach(async () => {
  fleet = await MemoryFleet.create(plan);
  folder = await mkdtemp(join(tmpdir(), 'millrace-cache-'));
  state = await openRocksStateStore({ dir: folder, logger: silentLogger });
  rows = 0;
});
afterEach(async () => {
  await fleet.close();
  await state.close();
  await rm(folder, { recursive: true });
});

/** One row of each user, so far apart that long windows have chunks. */
function append(): void {
  for (let i = 0; i < users; i++) {
    const id = ++rows;
    const row = {
      id,
      user: id % users,
      cents: 100,
      status: 'ok',
      location: null,
      time_us: now_us - 3_000_000_000 + rows * 500_000,
    };
    fleet.append(topic, id, envelope({ after: transactionFields(row), commit_us: now_us + id, sequence: [null, id] }));
  }
}

const metric = async ({ metrics }: RunningWorker, name: string): Promise<number> =>
  [...(await metrics.render()).matchAll(new RegExp(`^${name} (\\d+)$`, 'gm'))].reduce(
    (sum, [, value]) => sum + Number(value),
    0,
  );

async function isRight(running: RunningWorker, rounds: number): Promise<void> {
  await fleet.settled(running);
  for (let id = 0; id < users; id++) {
    const last = users * (rounds - 1) + (id === 0 ? users : id);
    const newest = rounds === 1 ? [last] : [last, last - users];
    expect(await fleet.features(`user_features:${id}`), `user ${id}`).toEqual({
      n: String(rounds),
      moments: String(rounds),
      newest: JSON.stringify(newest),
    });
  }
}

const allLeft = (running: RunningWorker): Promise<void> =>
  until('all states have left memory', async () => (await metric(running, 'millrace_state_cache_bytes')) === 0);

test('states leave memory once they are on disk, and come back for the rows that need them', async () => {
  const running = fleet.worker({ state, stateCache_bytes: 0 });
  await running.worker.start();
  for (let round = 1; round <= 12; round++) {
    append();
    await isRight(running, round);
    if (round % 4 === 0) await allLeft(running);
  }
  expect(await metric(running, 'millrace_state_loads_total{result="found"}')).toBeGreaterThanOrEqual(2 * users);
  expect(running.failures).toEqual([]);
});

test('a restored worker leaves on disk what has no room, and goes on from there', async () => {
  const first = fleet.worker({ state });
  await first.worker.start();
  for (let round = 1; round <= 10; round++) append();
  await isRight(first, 10);
  await first.worker.stop();

  const second = fleet.worker({ state, stateCache_bytes: 0 });
  await second.worker.start();
  await fleet.settled(second);
  expect(await metric(second, 'millrace_state_cache_bytes')).toBe(0);
  append();
  await isRight(second, 11);
  expect(await metric(second, 'millrace_state_loads_total{result="found"}')).toBe(users);
  expect(second.failures).toEqual([]);
});

/** A worker has come and gone, and has left all states on disk, and their timers. */
async function leftOnDisk(): Promise<void> {
  const first = fleet.worker({ state, stateCache_bytes: 0 });
  await first.worker.start();
  // With the second commit of a task its timers are stored.
  for (let round = 1; round <= 2; round++) {
    append();
    await isRight(first, round);
  }
  await allLeft(first);
  await first.worker.stop();
  expect(first.failures).toEqual([]);
}

/** A worker starts on a disk, and a row of each user comes. @returns how many tasks' entries it has all read. */
async function readBy(
  disk: StateStore,
  rounds: number,
  stateCache_bytes?: number,
): Promise<{ running: RunningWorker; read: number }> {
  const entries = vi.spyOn(disk, 'entries');
  const running = fleet.worker({ state: disk, ...(stateCache_bytes === undefined ? {} : { stateCache_bytes }) });
  await running.worker.start();
  append();
  await isRight(running, rounds);
  expect(running.failures).toEqual([]);
  return { running, read: entries.mock.calls.length };
}

test('a worker whose states do not fit starts without reading them, from its own disk and from the changelog', async () => {
  await leftOnDisk();
  const { running, read } = await readBy(state, 3, 0);
  expect(read).toBe(0);
  expect(await metric(running, 'millrace_state_loads_total{result="found"}')).toBe(users);
  await running.worker.stop();
  expect((await readBy(createMemoryStateStore(), 4, 0)).read).toBe(0);
});

test('a worker whose states fit now reads them all, and forgets the timers that it does not need on disk', async () => {
  await leftOnDisk();
  const { running, read } = await readBy(state, 3);
  expect(read).toBe(plan.entities[0]!.partitions);
  expect((await state.tasks()).filter((task) => task.endsWith(timersOf('')))).toEqual([]);
  expect(await metric(running, 'millrace_state_loads_total{result="found"}')).toBe(0);
});

test('what the online store lost is written again for keys that are on disk only', async () => {
  const first = fleet.worker({ state });
  await first.worker.start();
  append();
  await isRight(first, 1);
  await first.worker.stop();

  const emptied = await MemoryFleet.create(plan);
  const second = fleet.worker({ state, stateCache_bytes: 0, online: emptied.online });
  await second.worker.start();
  await until('all values are written again', async () => (await metric(second, 'millrace_online_repairs_total')) > 0);
  for (let id = 0; id < users; id++)
    await until(`user ${id} is online`, async () => (await emptied.features(`user_features:${id}`))['n'] === '1');
  expect(second.failures).toEqual([]);
  await second.worker.stop();
  await emptied.close();
});

test('states take a share of the heap, and less of it once not all keys fit', async () => {
  expect(stateCacheLimits(2_000_000_000, 1_000_000_000)).toEqual({ fitting: 200_000_000, beyond: 62_500_000 });
  expect(stateCacheLimits(500_000_000, 1_000_000_000)).toEqual({ fitting: 100_000_000, beyond: 31_250_000 });
  const running = fleet.worker({ state, stateCache_bytes: { fitting: 20_000, beyond: 3000 } });
  await running.worker.start();
  const inMemory = (): Promise<number> => metric(running, 'millrace_state_cache_bytes');
  let most = 0;
  // The bound falls by a tenth each time: 19 times.
  for (let round = 1; round <= 24; round++) {
    append();
    await isRight(running, round);
    most = Math.max(most, await inMemory());
  }
  expect(most).toBeGreaterThan(10_000);
  await until('few are in memory', async () => (await inMemory()) <= 3000);
  expect(running.failures).toEqual([]);
});

test('without a bound there is room for all, also where states are on disk only', () => {
  const task = { residency: { isComplete: false, resident_bytes: 5_000 } };
  const cache = new StateCache({
    store: state,
    limits_bytes: stateCacheLimitsOf(),
    owned: () => [{ task, taskName: 'changelog/0' }] as never,
    logger: silentLogger,
    metrics: noMetrics,
    failed: (error) => expect.unreachable(error.message),
  });
  for (let commit = 0; commit < 3; commit++) cache.trim();
  expect(cache.room_bytes).toBe(Infinity);
});

test('timers that the disk refused are written with the next look, before their keys leave', async () => {
  const task = new EntityTask(userPlan);
  const commit = (position: number, time_us: number): void => {
    task.apply(rowsFrame(position, [inserted(position, transaction(position, 1, time_us))]), position);
    task.takeChanges();
    task.residency.takeNotes();
    task.residency.stored(task.residency.taken);
  };
  const writes: (readonly TaskWrite[])[] = [];
  const write = (each: readonly TaskWrite[]): Promise<void> => {
    writes.push(each);
    const refused = new RetriableError('store-unavailable', 'the disk is full');
    return writes.length === 1 ? Promise.reject(refused) : Promise.resolve();
  };
  const cache = new StateCache({
    store: { ...createMemoryStateStore(), write },
    limits_bytes: stateCacheLimitsOf(0),
    owned: () => [{ task, taskName: 'changelog/0' }] as never,
    logger: silentLogger,
    metrics: noMetrics,
    failed: (error) => expect.unreachable(error.message),
  });
  task.residency.askForNotes();
  commit(0, start_us);
  // Its timer moves away from where it was noted.
  commit(1, start_us + 400 * second_us);
  // A key that was used has a second chance.
  for (let look = 0; look < 6 && writes.length < 2; look++) {
    cache.trim();
    await cache.stop();
    expect(task.residency.isComplete).toBe(writes.length < 2);
  }
  expect(writes).toHaveLength(2);
  expect(writes[0]![0]!.entries).toHaveLength(2);
  expect(writes[1]).toEqual(writes[0]);
});
