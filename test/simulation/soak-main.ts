/** `npm run soak -- --days N --seed S`: weeks of one fleet, with a line for each day. */
import { parseArgs } from 'node:util';
import { createLogger } from '../../src/observability/logger.ts';
import { soak, warmUpDays } from '../../src/testing/simulation/soak/soak.ts';
import type { SoakDay } from '../../src/testing/simulation/soak/soak-day.ts';

const { values } = parseArgs({
  options: {
    days: { type: 'string', default: '30' },
    seed: { type: 'string', default: '1' },
    /** Of the figures of all days, those whose names contain it. */
    figures: { type: 'string' },
    log: { type: 'boolean', default: false },
  },
});

const columns: readonly (readonly [title: string, figure: string])[] = [
  ['keys', 'keys with rows'],
  ['entries', 'entries of keys with rows'],
  ['bytes', 'bytes of keys with rows'],
  ['changelog', 'changelog entries of keys with rows'],
  ['timers', 'stored timers'],
  ['in memory', 'KeyTable.states'],
  ['resident', 'resident bytes'],
  ['snapshots', 'snapshots of state'],
  ['files', 'Parquet files in a day'],
];
const grown = ['held', 'disks', 'emptied', 'heap MB'];
const line = (cells: readonly (string | number)[]): string => cells.map((cell) => String(cell).padStart(9)).join('  ');

function show({ day, figures, grows }: SoakDay): void {
  globalThis.gc?.();
  const heap_MB = (process.memoryUsage().heapUsed / 2 ** 20).toFixed(0);
  const held = [...figures].reduce((sum, [name, count]) => sum + (name.includes('.') ? count : 0), 0);
  console.log(
    line([day, ...columns.map(([, figure]) => figures.get(figure) ?? 0), held, grows.onDisks, grows.emptied, heap_MB]),
  );
}

const started_ms = performance.now();
console.log(line(['day', ...columns.map(([title]) => title), ...grown]));
const run = await soak({
  ...{ days: Number(values.days), seed: Number(values.seed), dayOver: show },
  ...(values.log ? { logger: createLogger('debug') } : {}),
});
const wanted = values.figures;
if (wanted !== undefined) {
  const names = new Set(run.days.flatMap(({ figures }) => [...figures.keys()].filter((name) => name.includes(wanted))));
  for (const name of [...names].sort())
    console.log(`${name}: ${run.days.map(({ figures }) => figures.get(name) ?? 0).join(' ')}`);
}
for (const violation of run.violations.slice(0, 20)) console.log(`  ${violation}`);
console.log(
  `${((performance.now() - started_ms) / 1000).toFixed(0)} s, ${run.steps} steps, warm-up ${warmUpDays} days`,
);
console.log(
  `${run.days.length} days, ${run.restarts} restarts, ${run.kills} kills, ${run.changes} changes of rows, ${run.users} users, ` +
    `${run.violations.length} violations`,
);
process.exitCode = run.violations.length === 0 ? 0 : 1;
