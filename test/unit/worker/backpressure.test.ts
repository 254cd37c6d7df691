/** While the online store is away memory stays within its bound, and its return is no stampede. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RetriableError } from '../../../src/errors.ts';
import type { Log } from '../../../src/log/log.ts';
import type { OnlineStore } from '../../../src/online/online-store.ts';
import { envelope, transactionFields } from '../../support/envelope.ts';
import { MemoryFleet, type RunningWorker } from '../../support/memory-worker.ts';
import { until } from '../../support/until.ts';
import { plan, topic } from '../../support/user-counts.ts';

const now_us = Date.now() * 1000;
const users = 50;
/** A few hundred values, as the writer measures them. */
const limit_bytes = 200_000;
const rowsAtOnce = 100;

let fleet: MemoryFleet;
let isAway: boolean;
/** Values of each call that the store has answered. */
let calls: number[];
let overlapping: boolean;
let rows: number;

beforeEach(async () => {
  fleet = await MemoryFleet.create(plan);
  isAway = false;
  calls = [];
  overlapping = false;
  rows = 0;
});
afterEach(() => fleet.close());

function away(): OnlineStore {
  let isCalled = false;
  return {
    upsert: async (writes, canaries) => {
      if (isCalled) overlapping = true;
      isCalled = true;
      await new Promise((resolve) => setTimeout(resolve, 1));
      isCalled = false;
      if (isAway) throw new RetriableError('store-unavailable', 'away');
      calls.push(writes.length);
      return fleet.online.upsert(writes, canaries);
    },
    read: (keys) => fleet.online.read(keys),
    close: () => Promise.resolve(),
  };
}

const metric = async ({ metrics }: RunningWorker, name: string): Promise<number> =>
  [...(await metrics.render()).matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\d+)$`, 'gm'))].reduce(
    (sum, [, value]) => sum + Number(value),
    0,
  );

function append(): void {
  for (let i = 0; i < rowsAtOnce; i++) {
    const id = ++rows;
    const row = { id, user: id % users, cents: 100, status: 'ok', location: null, time_us: now_us + id };
    fleet.append(topic, id, envelope({ after: transactionFields(row), commit_us: now_us + id, sequence: [null, id] }));
  }
}

async function isRight(running: RunningWorker): Promise<void> {
  await fleet.settled(running);
  for (let id = 0; id < users; id++)
    expect(await fleet.features(`user_features:${id}`)).toEqual({ n: String(rows / users) });
}

test('frames are not applied beyond the bound; when the store is back all is brought online, one call at a time', async () => {
  const running = fleet.worker({ online: away(), pendingValues_bytes: limit_bytes });
  await running.worker.start();
  append();
  await fleet.settled(running);
  isAway = true;
  calls = [];
  for (let i = 0; i < 100; i++) {
    append();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const applied = await metric(running, 'millrace_rows_applied_total');
  await new Promise((resolve) => setTimeout(resolve, 300));
  await until('nothing more is applied', async () => {
    const before = await metric(running, 'millrace_rows_applied_total');
    await new Promise((resolve) => setTimeout(resolve, 1200));
    return before === (await metric(running, 'millrace_rows_applied_total'));
  });
  // A value of this view is about 550 bytes; each partition may be in the middle of a frame.
  expect(applied).toBeLessThan(rows / 2);
  expect(await metric(running, 'millrace_online_pending_values')).toBeLessThan(limit_bytes / 500 + users * rowsAtOnce);
  isAway = false;
  await isRight(running);
  expect(overlapping).toBe(false);
  expect(Math.max(...calls)).toBeLessThanOrEqual(2000);
  // Of a key that has many values waiting only the newest is written.
  expect(calls.reduce((sum, n) => sum + n, 0)).toBeLessThan(rows);
  expect(running.failures).toEqual([]);
});

test('a worker leaves its partitions in time although the store is away, and the next one goes on', async () => {
  const first = fleet.worker({ online: away(), pendingValues_bytes: limit_bytes });
  await first.worker.start();
  append();
  await fleet.settled(first);
  isAway = true;
  for (let i = 0; i < 50; i++) append();
  await until('values wait', async () => (await metric(first, 'millrace_online_failures_total')) > 0);
  const started_ms = performance.now();
  await first.worker.stop();
  expect(performance.now() - started_ms).toBeLessThan(20_000);
  isAway = false;
  const second = fleet.worker({ online: away() });
  await second.worker.start();
  await isRight(second);
}, 60_000);

/** A log whose entity transactions wait until they are let through. */
function slow(log: Log): { log: Log; letThrough: () => void; waiting: () => number } {
  let letThrough: () => void = () => undefined;
  let waiting = 0;
  const open = new Promise<void>((resolve) => (letThrough = resolve));
  const transactor: Log['transactor'] = async (options) => {
    const inner = await log.transactor(options);
    return {
      commit: async (consumer, records, offsets) => {
        waiting++;
        await open;
        return inner.commit(consumer, records, offsets);
      },
      close: () => inner.close(),
    };
  };
  return { log: { ...log, transactor }, letThrough, waiting: () => waiting };
}

test('while a commit takes long no more is applied than a bound, and all of it counts once the commit is made', async () => {
  const { log, letThrough, waiting } = slow(fleet.log);
  const uncommitted_changes = 300;
  const running = fleet.worker({ log, uncommitted_changes });
  await running.worker.start();
  append();
  await until('a commit waits', () => waiting() > 0);
  const changes = (): Promise<number> => metric(running, 'millrace_uncommitted_changes');
  // Many small frames, each with a value for every user.
  for (let before = -1; before !== (await changes()) || before < uncommitted_changes;) {
    before = await changes();
    for (let i = 0; i < 10; i++) {
      append();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await new Promise((resolve) => setTimeout(resolve, 1100));
  }
  const applied = await metric(running, 'millrace_rows_applied_total');
  append();
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(await metric(running, 'millrace_rows_applied_total')).toBe(applied);
  expect(applied).toBeLessThan(rows - rowsAtOnce);
  letThrough();
  await isRight(running);
  await until('no change is without a commit', async () => (await changes()) === 0);
  expect(running.failures).toEqual([]);
});
