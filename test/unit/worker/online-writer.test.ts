import { expect, test } from 'vitest';
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

test('while the store is away values wait once, not twice: a tick scheduler that waits for fewer of them spun for ever', async () => {
  const clock = new VirtualClock({ start_ms: 0, random: new Random(1), jitter_ms: 0 });
  const writer = new OnlineWriter({
    store: away,
    clock,
    logger: silentLogger,
    metrics: noMetrics,
    failed: (error) => expect.unreachable(error.message),
    lost: () => undefined,
  });
  const owner: ValueOwner = {
    entity: simulatedUser,
    canary: new OnlineCanary('t/0', -1),
    isReleased: false,
    acknowledged: () => undefined,
  };
  const [view] = simulatedUser.views;
  const emissions = Array.from({ length: 200 }, (_, position) => {
    return {
      view: view!,
      key: String(position),
      position,
      asOf_us: 0,
      values: view!.features.map(() => null),
      cause: null,
    };
  });
  writer.add(owner, emissions);
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
