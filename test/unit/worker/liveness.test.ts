/** The liveness probe on a real worker: what waits is live, what hangs is not. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { healthOf } from '../../../src/cli/health.ts';
import { RetriableError } from '../../../src/errors.ts';
import { silentLogger } from '../../../src/observability/logger.ts';
import type { OnlineStore } from '../../../src/online/online-store.ts';
import { ProgressMonitor } from '../../../src/worker/progress-monitor.ts';
import { envelope, transactionFields } from '../../support/envelope.ts';
import { MemoryFleet } from '../../support/memory-worker.ts';
import { SteppedClock } from '../../support/stepped-clock.ts';
import { until } from '../../support/until.ts';
import { plan, topic } from '../../support/user-counts.ts';

/** More than may wait for the online store: then frames are not read. */
const rows = 150_000;
const now_us = Date.now() * 1000;

let fleet: MemoryFleet;
beforeEach(async () => {
  fleet = await MemoryFleet.create(plan);
  for (let id = 1; id <= rows; id++) {
    const row = { id, user: id, cents: 100, status: 'ok', location: null, time_us: now_us + id };
    fleet.append(topic, id, envelope({ after: transactionFields(row), commit_us: now_us + id, sequence: [null, id] }));
  }
});
afterEach(() => fleet.close(), 30_000);

const storeThat = (upsert: OnlineStore['upsert']): OnlineStore => ({
  upsert,
  read: (keys) => fleet.online.read(keys),
  close: () => fleet.online.close(),
});

/** Runs a worker until its frames stand still. @returns whether the probe finds it live after so many seconds, and what is stuck. */
async function livenessAfter(
  seconds: number,
  online: OnlineStore,
): Promise<{ live: boolean; stuck: readonly string[] }> {
  const { worker, metrics } = fleet.worker({ online });
  const clock = new SteppedClock(Date.now());
  const monitor = new ProgressMonitor({ worker, clock, metrics, logger: silentLogger });
  await worker.start();
  const pending = async (): Promise<number> =>
    Number(/millrace_online_pending_values (\d+)/.exec(await metrics.render())?.[1] ?? 0);
  await until('frames wait', async () => (await pending()) > 100_000);
  await until('all rows are in the entity log', async () => {
    const ingest = (await worker.progress()).filter(({ kind }) => kind === 'ingest');
    return ingest.every(({ position, end }) => position >= end);
  });
  await clock.pass(seconds * 1000);
  const found = { live: healthOf(worker, monitor).live(), stuck: monitor.stuck };
  await monitor.stop();
  return found;
}

test('a worker that waits for Redis is live for as long as it takes', async () => {
  const away = storeThat(() => Promise.reject(new RetriableError('store-unavailable', 'away for a test')));
  expect(await livenessAfter(3600, away)).toEqual({ live: true, stuck: [] });
}, 60_000);

test('a worker whose loop hangs in a call that never ends is found within a minute', async () => {
  const over = new RetriableError('store-unavailable', 'the test is over');
  let isOver = false;
  let end: () => void = () => undefined;
  const silent = storeThat(() =>
    isOver
      ? Promise.reject(over)
      : new Promise((_, reject) => {
          end = () => {
            reject(over);
          };
        }),
  );
  const { live, stuck } = await livenessAfter(45, silent);
  // So that it can be stopped.
  isOver = true;
  end();
  expect(live).toBe(false);
  expect(stuck.length).toBeGreaterThan(0);
  expect(stuck.every((task) => task.startsWith('entity '))).toBe(true);
}, 60_000);
