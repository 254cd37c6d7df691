/**
 * `make bench` runs all; `make bench ARGS='throughput 200000'` one of them. The stack must be up; nothing else should run.
 *
 *     decode                  envelope → row change, beside JSON.parse
 *     throughput [rows]       a preloaded topic through one worker, beside only reading it (BENCH_PROFILE=folder: CPU profile)
 *     freshness [rows/s] [s]  commit → Redis, through Postgres and Debezium
 */
import '../test/support/stack-env.ts';
import { decode } from './decode.ts';
import { freshness } from './freshness.ts';
import { throughput } from './throughput.ts';

const [name = 'all', ...args] = process.argv.slice(2);
const numbers = args.map(Number);
const benchmarks: Readonly<Record<string, () => Promise<void> | void>> = {
  decode,
  throughput: () => throughput(...numbers),
  freshness: () => freshness(...numbers),
};

const chosen = name === 'all' ? Object.values(benchmarks) : [benchmarks[name]];
for (const run of chosen) {
  if (run === undefined) throw new Error(`no benchmark "${name}"; there are ${Object.keys(benchmarks).join(', ')}`);
  await run();
}
