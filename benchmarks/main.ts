/**
 * `make bench` runs all; `make bench ARGS='throughput 200000'` one of them. The stack must be up; nothing else should run.
 *
 *     decode                  envelope → row change, beside JSON.parse
 *     engine                  what a row costs in the engine alone, by windows, panes, aggregates and keys; how many values are given out;
 *                             needs no stack
 *     throughput [rows] [tumbling|sliding]
 *                             a preloaded topic through one worker, beside only reading it (BENCH_PROFILE=folder: CPU profile)
 *     restore [keys]          a changelog in memory → RocksDB → tasks, with the top of the CPU profile; needs no stack
 *     state [keys,keys,…] [MiB for states] [MiB of heap]
 *                             keys that do not fit into memory; needs no stack
 *     takeover [keys] [rounds]
 *                             kill -9 → serving with its state, beside Kafka Streams: disk lost, kept, snapshot; builds a Java program with Maven
 *     freshness [--rates 100,1000] [--seconds 150] [--keys 100000] [--window 60] [--quick]
 *                             commit → Redis, through Postgres and Debezium, beside the bare two-hop Kafka floor
 */
import '../test/support/stack-env.ts';
import { decode } from './decode.ts';
import { engine } from './engine.ts';
import { freshness } from './freshness.ts';
import { restore } from './restore.ts';
import { state } from './state.ts';
import { takeover } from './takeover.ts';
import { throughput } from './throughput.ts';

const [name = 'all', ...args] = process.argv.slice(2);
const benchmarks: Readonly<Record<string, () => Promise<void> | void>> = {
  decode,
  engine,
  throughput: () => throughput(args[0] === undefined ? undefined : Number(args[0]), args[1]),
  restore: () => restore(...args.map(Number)),
  state: () => {
    state((args[0] ?? '100000,1000000').split(',').map(Number), Number(args[1] ?? 256), Number(args[2] ?? 1024));
  },
  takeover: () => takeover(...args.map(Number)),
  freshness: () => freshness(args),
};

const chosen = name === 'all' ? Object.values(benchmarks) : [benchmarks[name]];
for (const run of chosen) {
  if (run === undefined) throw new Error(`no benchmark "${name}"; there are ${Object.keys(benchmarks).join(', ')}`);
  await run();
}
