/** A few days of a fleet. `npm run soak` takes weeks. */
import { expect, test } from 'vitest';
import { soak, warmUpDays } from '../../src/testing/simulation/soak/soak.ts';

test('days of restarts, with keys that come and go: state and memory stay as large as they are, all values are right', async () => {
  const run = await soak({ days: warmUpDays + 2 });
  expect(run.violations, 'npm run soak -- --days 5').toEqual([]);
  expect(run.days).toHaveLength(warmUpDays + 2);
  expect(run.restarts).toBe(2 * run.days.length);
  // What is looked at is there, and keys have gone.
  const last = run.days.at(-1)!;
  for (const name of ['KeyTable.states', 'Timers.heap', 'stored timers', 'keys with rows', 'Parquet files in a day'])
    expect(last.figures.get(name), name).toBeGreaterThan(0);
  expect(last.grows.emptied).toBeGreaterThan(100);
});
