/**
 * The connector is away for longer than a window and the idle timeout: time passes for all keys, and then rows of before come. None is late,
 * since a connector that is silent is no reason to close a window.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ChaosFleet } from '../chaos/chaos-fleet.ts';
import { connectAway, reachInTime } from '../chaos/connector-faults.ts';
import { seeded } from '../support/prng.ts';

const window_ms = 90_000;
let fleet: ChaosFleet;

beforeAll(async () => {
  fleet = await ChaosFleet.create({ seed: 5, users: 500, window_ms, reach: reachInTime });
  await fleet.shop.capture();
  await fleet.startWorkers();
  fleet.flow.start();
});

afterAll(async () => {
  await fleet.close();
});

test('0 rows are late, and the values at T equal SQL', { timeout: 300_000 }, async () => {
  await connectAway(fleet, seeded(5).below);
  const { keys, mismatches } = await fleet.compare();
  expect(mismatches.slice(0, 5), `${mismatches.length} mismatches`).toEqual([]);
  expect(keys).toBeGreaterThan(450);
  expect(await fleet.total('millrace_row_fates_total', 'fate="late"')).toBe(0);
  expect(
    await fleet.total('millrace_row_fates_total', 'fate="passed"'),
    'rows in windows that were over',
  ).toBeGreaterThan(0);
});
