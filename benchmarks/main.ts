/**
 * `make bench` runs all; `make bench ARGS='throughput 200000'` one of them. The stack must be up; nothing else should run.
 *
 *     decode                  envelope → row change, beside JSON.parse
 *     engine [panes|keys|emissions]
 *                             what a row costs in the engine alone, by windows and panes, by aggregates and keys; how many values are given
 *                             out; needs no stack
 *     throughput [rows] [tumbling|sliding]
 *                             a preloaded topic through one worker, beside only reading it (BENCH_PROFILE=folder: CPU profile)
 *     restore [keys]          a changelog in memory → RocksDB → tasks, with the top of the CPU profile; needs no stack
 *     state [keys,keys,…] [MiB for states] [MiB of heap]
 *                             keys that do not fit into memory; needs no stack
 *     takeover [keys] [rounds]
 *                             kill -9 → serving with its state, beside Kafka Streams: disk lost, kept, snapshot; builds a Java program with Maven; not among
 *                             all
 *     freshness [--rates 100,1000] [--seconds 150] [--keys 100000] [--window 60] [--quick]
 *                             commit → Redis, through Postgres and Debezium, beside the bare two-hop Kafka floor
 *     outages [--rate 5000] [--s3 900] [--redis 300] [--memory 1024] [--users 100000]
 *                             the S3 server and Redis away for so many seconds, the worker under a hard memory limit in MiB (Linux, as
 *                             root); ends with 1 when anything was lost. Not among all: it takes 20 minutes
 */
import { decode } from './decode.ts';
import { engine } from './engine.ts';
import { restore } from './restore.ts';
import { state } from './state.ts';

const [name = 'all', ...args] = process.argv.slice(2);

/** Only these load the Kafka client and ask for the servers' addresses: the others run where there is no stack. */
async function onStack<M>(load: () => Promise<M>, run: (module: M) => Promise<void>): Promise<void> {
  await import('../test/support/stack-env.ts');
  await run(await load());
}

const benchmarks: Readonly<Record<string, () => Promise<void> | void>> = {
  decode,
  engine: () => {
    engine(args[0]);
  },
  throughput: () =>
    onStack(
      () => import('./throughput.ts'),
      ({ throughput }) => throughput(args[0] === undefined ? undefined : Number(args[0]), args[1]),
    ),
  restore: () => restore(...args.map(Number)),
  state: () => {
    state((args[0] ?? '100000,1000000').split(',').map(Number), Number(args[1] ?? 256), Number(args[2] ?? 1024));
  },
  takeover: () =>
    onStack(
      () => import('./takeover.ts'),
      ({ takeover }) => takeover(...args.map(Number)),
    ),
  freshness: () =>
    onStack(
      () => import('./freshness.ts'),
      ({ freshness }) => freshness(args),
    ),
  outages: () =>
    onStack(
      () => import('./outages.ts'),
      ({ outages }) => outages(args),
    ),
};

/** They take long, or need what the others do not. */
const apart = new Set(['takeover', 'outages']);
const chosen =
  name === 'all'
    ? Object.entries(benchmarks).flatMap(([each, run]) => (apart.has(each) ? [] : [run]))
    : [benchmarks[name]];
for (const run of chosen) {
  if (run === undefined) throw new Error(`no benchmark "${name}"; there are ${Object.keys(benchmarks).join(', ')}`);
  await run();
}
