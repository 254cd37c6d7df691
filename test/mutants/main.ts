/**
 * `npm run mutants`: every bug of the list must be found, by the simulator unless it names a property test.
 *
 *   -- --only NAME    those whose name contains it
 *   -- --seeds N      at most so many seeds for each, --from S the first; by default as many as the list says, from 1
 *   -- --jobs N       so many at once, default 2
 */
import { parseArgs } from 'node:util';
import { mutants } from './mutants.ts';
import { tryMutant, type Mutant, type Verdict } from './runner.ts';

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    seeds: { type: 'string' },
    from: { type: 'string' },
    jobs: { type: 'string', default: '2' },
  },
});

const trial = {
  seeds: values.seeds === undefined ? undefined : Number(values.seeds),
  from: values.from === undefined ? undefined : Number(values.from),
};
const chosen = mutants.filter(({ name }) => name.includes(values.only));
const waiting = [...chosen];
const counts = { found: 0, survived: 0, error: 0 };

async function work(): Promise<void> {
  for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
    const verdict = await tryMutant(mutant, trial);
    counts[verdict.kind]++;
    console.log(lineOf(mutant, verdict));
  }
}

function lineOf({ name, why }: Mutant, verdict: Verdict): string {
  const seconds = (took_ms: number): string => `${(took_ms / 1000).toFixed(1)} s`;
  switch (verdict.kind) {
    case 'found':
      return `${name}: found ${verdict.seed === null ? 'by a property test' : `at seed ${verdict.seed}`} after ${seconds(verdict.took_ms)}: ${verdict.line.slice(0, 200)}`;
    case 'survived':
      return `${name}: SURVIVED, ${seconds(verdict.took_ms)} (${why})`;
    case 'error':
      return `${name}: ERROR ${verdict.line}`;
  }
}

if (chosen.length === 0) throw new RangeError(`no mutant is called "${values.only}"`);
await Promise.all(Array.from({ length: Number(values.jobs) }, work));
const errors = counts.error > 0 ? `, ${counts.error} errors` : '';
console.log(`${chosen.length} mutants, ${counts.found} found, ${counts.survived} survived${errors}`);
process.exitCode = counts.found === chosen.length ? 0 : 1;
