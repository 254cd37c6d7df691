import { sliding, tumbling } from 'millrace';
import { countEmissions } from '../test/support/emission-count.ts';
import { count as separated, report } from './report.ts';

/** How many values a view gives out at every change and at intervals: counted, and the same on every machine. */
export function emissions(): void {
  const minutes = 6;
  const windows = [
    ['tumbling 5m', tumbling('5m')],
    ['sliding 5m', sliding('5m')],
  ] as const;
  const rows = [10_000, 100_000].flatMap((users) =>
    windows.map(([name, window]) => {
      const load = { users, minutes, window };
      const [changes, everyMinute] = [countEmissions(load, 'changes'), countEmissions(load, { every: '1m' })];
      const ratio = (changes / everyMinute).toFixed(1);
      return [`${separated(users)} users, ${name}`, separated(changes), separated(everyMinute), ratio];
    }),
  );
  report(
    `emissions: ${minutes} minutes of 1,000 rows/s, users Zipf-distributed`,
    ['', 'at changes', 'every 1m', 'ratio'],
    rows,
  );
}
