/** All current values online again, from the changelogs alone. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { buildPlan } from '../../../src/define/plan-builder.ts';
import { RetriableError } from '../../../src/errors.ts';
import { count, featureView, tumbling } from '../../../src/index.ts';
import { silentLogger } from '../../../src/observability/logger.ts';
import { createMemoryOnlineStore } from '../../../src/online/memory/memory-online-store.ts';
import type { OnlineStore } from '../../../src/online/online-store.ts';
import { createMemoryStateStore } from '../../../src/state/memory/memory-state-store.ts';
import { systemClock } from '../../../src/time/clock.ts';
import { republish, type Republished } from '../../../src/worker/republish.ts';
import { envelope, transactionFields } from '../../support/envelope.ts';
import { application, MemoryFleet } from '../../support/memory-worker.ts';
import { transactions, user } from '../../support/shop.ts';

const topic = 'dbserver.public.transactions';
const now_us = Date.now() * 1000;
const planOf = (window: '7d' | '8d'): ReturnType<typeof buildPlan> =>
  buildPlan({
    view: featureView('user_features', {
      entity: user,
      from: { tx: transactions.by({ user_id: 'user_id' }) },
      features: ({ tx }) => ({ n: count(tx).over(tumbling(window)) }),
    }),
  });
const plan = planOf('7d');
const keys = Array.from({ length: 20 }, (_, id) => `user_features:${id}`);

let fleet: MemoryFleet;

const row = (id: number): Buffer =>
  envelope({
    after: transactionFields({ id, user: id % 20, cents: 100, status: 'ok', location: null, time_us: now_us + id }),
    commit_us: now_us + id,
    sequence: [null, id],
  });

beforeEach(async () => {
  fleet = await MemoryFleet.create(plan);
  const running = fleet.worker();
  await running.worker.start();
  for (let id = 1; id <= 60; id++) fleet.append(topic, id, row(id));
  await fleet.settled(running);
  await running.worker.stop();
});
afterEach(() => fleet.close());

const run = (online: OnlineStore, more: { rate?: number; plan?: typeof plan } = {}): Promise<Republished> =>
  republish({
    plan,
    application,
    log: fleet.log,
    store: createMemoryStateStore(),
    online,
    clock: systemClock,
    logger: silentLogger,
    rate: 1e6,
    ...more,
  });

/** All fields, but for the instant at which a value became visible. */
const contents = async (store: OnlineStore): Promise<unknown> =>
  (await store.read(keys)).map((hash) =>
    [...hash!].map(([name, text]) => [name, name.startsWith('_') ? text.replace(/:\d+$/, '') : text]),
  );

test('an empty store has every value again, each at its own position', async () => {
  const online = createMemoryOnlineStore({ clock: systemClock });
  expect(await run(online)).toMatchObject({ written: 20, refused: 0 });
  expect(await contents(online)).toEqual(await contents(fleet.online));
});

test('what is there stays: equal values change nothing, newer ones are not touched', async () => {
  const before = await fleet.online.read(keys);
  expect(await run(fleet.online)).toMatchObject({ written: 20, refused: 0 });
  expect(await fleet.online.read(keys)).toEqual(before);
  const newer = { key: keys[3]!, view: { name: 'user_features', fields: ['n'] }, values: ['99'], asOf_us: 1 };
  await fleet.online.upsert([{ ...newer, generation: 1, position: 1_000_000 }]);
  expect(await run(fleet.online)).toMatchObject({ written: 19, refused: 1 });
  expect(await fleet.features(keys[3]!)).toEqual({ n: '99' });
});

test('it keeps to the rate, and goes on when the store was away for a while', async () => {
  let calls = 0;
  const online = createMemoryOnlineStore({ clock: systemClock });
  const flaky: OnlineStore = {
    ...online,
    upsert: (...call) =>
      ++calls % 2 === 1 ? Promise.reject(new RetriableError('store-unavailable', 'away')) : online.upsert(...call),
  };
  const started_ms = performance.now();
  expect(await run(flaky, { rate: 40 })).toMatchObject({ written: 20 });
  expect(performance.now() - started_ms).toBeGreaterThan(490);
  expect(await contents(online)).toEqual(await contents(fleet.online));
});

test('another definition is refused: its values are other ones', async () => {
  await expect(run(fleet.online, { plan: planOf('8d') })).rejects.toMatchObject({ code: 'state-mismatch' });
});

test('an application that never ran is named', async () => {
  const other = await MemoryFleet.create(plan);
  const options = { plan, application, log: other.log, store: createMemoryStateStore(), online: fleet.online };
  await expect(republish({ ...options, clock: systemClock, logger: silentLogger, rate: 1 })).rejects.toThrow(
    /there is no topic test\.user\.g1\.changelog/,
  );
  await other.close();
});
