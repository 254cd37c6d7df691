import { expect, test } from 'vitest';
import type { Emission } from '../../../src/entity/entity-task.ts';
import { RetriableError } from '../../../src/errors.ts';
import { silentLogger } from '../../../src/observability/logger.ts';
import { noMetrics } from '../../../src/observability/metrics.ts';
import type { OnlineStore } from '../../../src/online/online-store.ts';
import { VirtualClock } from '../../../src/testing/simulation/virtual-clock.ts';
import { Random } from '../../../src/testing/simulation/random.ts';
import { simulatedUser } from '../../../src/testing/simulation/definitions.ts';
import { OnlineCanary } from '../../../src/worker/online-canary.ts';
import { OnlineWriter, type ValueOwner } from '../../../src/worker/online-writer.ts';

const away: OnlineStore = {
  upsert: () => Promise.reject(new RetriableError('store-unavailable', 'away')),
  close: () => Promise.resolve(),
} as never;

const writerTo = (store: OnlineStore, clock: VirtualClock): OnlineWriter =>
  new OnlineWriter({
    store,
    clock,
    logger: silentLogger,
    metrics: noMetrics,
    failed: (error) => expect.unreachable(error.message),
    lost: () => undefined,
  });
const owner = (): ValueOwner => ({
  entity: simulatedUser,
  canary: new OnlineCanary('t/0', -1),
  isReleased: false,
  acknowledged: () => undefined,
});
const [view] = simulatedUser.views;
const emission = (key: string, position: number): Emission => {
  return { view: view!, key, position, asOf_us: 0, values: view!.features.map(() => null), cause: null };
};
const clockOf = (): VirtualClock => new VirtualClock({ start_ms: 0, random: new Random(1), jitter_ms: 0 });

test('while the store is away values wait once, not twice: a tick scheduler that waits for fewer of them spun for ever', async () => {
  const clock = clockOf();
  const writer = writerTo(away, clock);
  writer.add(
    owner(),
    Array.from({ length: 200 }, (_, position) => emission(String(position), position)),
  );
  await clock.runFor(5);
  expect(writer.pending).toBe(200);
  let isSettled = false;
  writer.settle(100).then(
    () => (isSettled = true),
    () => undefined,
  );
  await clock.runFor(5);
  expect(isSettled, 'as many wait as before').toBe(false);
});

test('what a repair writes again does not replace a newer value that waits with it (simulation, seed 155)', async () => {
  const clock = clockOf();
  const called: (readonly [string, number])[] = [];
  const store: OnlineStore = {
    ...away,
    upsert: (writes, canaries = []) => {
      called.push(...writes.map(({ key, position }) => [key, position] as const));
      const stored = writes.map(({ position }) => ({ generation: 1, position, applied: true, visibleAt_us: 0 }));
      return Promise.resolve({ stored, found: canaries.map(() => null), incarnation: 'one' });
    },
  };
  const writer = writerTo(store, clock);
  const at = owner();
  writer.add(at, [emission('72', 40)]);
  writer.add(at, [emission('72', 29), emission('73', 30)], true);
  await writer.settle();
  expect(called.map(([, position]) => position)).toEqual([40, 30]);
});
