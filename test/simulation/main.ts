/** `npm run simulate -- --seeds N --from S`: many runs, one after another. A seed that fails prints how to run it again. */
import { parseArgs } from 'node:util';
import { createLogger } from '../../src/observability/logger.ts';
import { simulate } from '../../src/testing/simulation/simulate.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '100' },
    from: { type: 'string', default: '1' },
    log: { type: 'boolean', default: false },
    /** `written`: only the views that people wrote, no random ones. */
    views: { type: 'string', default: 'any' },
    'stop-at-first': { type: 'boolean', default: false },
  },
});
const [seeds, from] = [Number(values.seeds), Number(values.from)];
const views = values.views === 'written' ? 'written' : 'any';
const again = views === 'written' ? ' --views written' : '';

let steps = 0;
let failed = 0;
const faults = new Map<string, number>();
const started_ms = performance.now();
let ran = 0;
for (let seed = from; seed < from + seeds; seed++) {
  const run = await simulate(seed, { views, ...(values.log ? { logger: createLogger('debug') } : {}) });
  ran++;
  steps += run.steps;
  for (const [name, count] of run.faults) faults.set(name, (faults.get(name) ?? 0) + count);
  if (run.violations.length === 0) continue;
  failed++;
  console.log(
    `seed ${seed}: ${run.violations.length} violations; npm run simulate -- --seeds 1 --from ${seed}${again}`,
  );
  for (const violation of run.violations.slice(0, 5)) console.log(`  ${violation}`);
  if (values['stop-at-first']) break;
}
const isFault = (name: string): boolean => !name.startsWith('at ');
const sum = (select: (name: string) => boolean): number =>
  [...faults].reduce((total, [name, count]) => total + (select(name) ? count : 0), 0);
for (const [name, count] of [...faults].sort()) console.log(`${String(count).padStart(8)}  ${name}`);
console.log(`${((performance.now() - started_ms) / 1000 / ran).toFixed(2)} s a seed`);
console.log(`${ran} seeds, ${steps} steps, ${sum(isFault)} faults, ${failed} violations`);
process.exitCode = failed === 0 ? 0 : 1;
