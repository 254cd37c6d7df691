import { expect, test } from 'vitest';
import { tumbling } from '../../../src/index.ts';
import { countEmissions } from '../../support/emission-count.ts';

test('at intervals of a minute a view gives out at least 5 times fewer values: 1,000 rows per second, Zipf over 10,000 users', () => {
  const load = { users: 10_000, minutes: 2, window: tumbling('5m') };
  const [changes, everyMinute] = [countEmissions(load, 'changes'), countEmissions(load, { every: '1m' })];
  expect(changes).toBeGreaterThan(50_000);
  expect(everyMinute).toBeGreaterThan(9_000);
  expect(changes / everyMinute).toBeGreaterThanOrEqual(5);
}, 60_000);
