/**
 * Rows at a fixed rate through one worker whose memory the kernel limits, while the S3 server is away for a quarter of an hour and Redis,
 * for a part of it, too; Redis comes back empty. What it took, how long until all is caught up, and whether anything was lost.
 */
import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { Redis } from 'ioredis';
import { createKafkaLog } from '../src/log/kafka/kafka-log.ts';
import { silentLogger } from '../src/observability/logger.ts';
import { createS3ObjectStore } from '../src/offline/s3/s3-object-store.ts';
import { systemClock } from '../src/time/clock.ts';
import { killComponent, startComponent, type Component } from '../test/chaos/stack.ts';
import { until } from '../test/support/until.ts';
import { WorkerProcess } from '../test/support/worker-process.ts';
import { MemoryCage } from './outages/memory-cage.ts';
import { offlineOutcome, onlineMismatches } from './outages/outcome.ts';
import { SteadyLoad } from './outages/steady-load.ts';
import { heapFlags } from './heap-flags.ts';
import { count, report } from './report.ts';

const partitions = 3;
const mib = 2 ** 20;
const limit_ms = 1_800_000;

interface Options {
  readonly rate: number;
  readonly users: number;
  readonly s3_s: number;
  readonly redis_s: number;
  readonly memory_mib: number;
}

interface Phase {
  readonly what: string;
  readonly seconds: number;
  readonly rss_mib: number;
  readonly lag: number;
  readonly applied_per_s: number;
}

export async function outages(args: readonly string[]): Promise<void> {
  const options = optionsOf(args);
  const prefix = `bench${randomBytes(4).toString('hex')}`;
  const settings = { 'bootstrap.servers': process.env['MILLRACE_KAFKA_BROKERS']! };
  const log = await createKafkaLog({ settings, clock: systemClock, logger: silentLogger });
  const redis = new Redis(process.env['MILLRACE_REDIS_URL']!, { maxRetriesPerRequest: null });
  redis.on('error', () => undefined);
  const cage = new MemoryCage(prefix, options.memory_mib * mib);
  const load = await SteadyLoad.start({
    log,
    topic: `${prefix}.public.transactions`,
    partitions,
    rows_per_s: options.rate,
    users: options.users,
  });
  const run = new Run(prefix, options, cage, load);
  try {
    await run.through();
    const mismatches = await onlineMismatches(redis, load.expected);
    const objects = createS3ObjectStore({
      bucket: process.env['MILLRACE_S3_BUCKET']!,
      endpoint: process.env['MILLRACE_S3_ENDPOINT']!,
      region: process.env['MILLRACE_S3_REGION']!,
      prefix: `${prefix}/`,
    });
    const offline = await offlineOutcome(objects, load.expected);
    run.print(cage);
    const features = await run.featureRows();
    console.log(
      `  ${count(load.sent)} rows, ${count(load.expected.size)} users; ${count(features)} rows of the feature log, ${count(offline.rows)} in Parquet`,
    );
    const wrong = [...mismatches, ...offline.mismatches];
    if (offline.rows !== features) wrong.push(`${offline.rows} rows in Parquet, ${features} in the feature log`);
    if (offline.distinct !== offline.rows) wrong.push(`${offline.rows - offline.distinct} rows stand twice`);
    for (const line of wrong.slice(0, 10)) console.log(`  ${line}`);
    console.log(`  ${count(load.expected.size)} users compared, ${wrong.length} mismatches`);
    if (wrong.length > 0) process.exitCode = 1;
  } finally {
    await run.close();
    await load.stop();
    await log.close();
    redis.disconnect();
    cage.remove();
  }
}

function optionsOf(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rate: { type: 'string', default: '5000' },
      users: { type: 'string', default: '100000' },
      s3: { type: 'string', default: '900' },
      redis: { type: 'string', default: '300' },
      memory: { type: 'string', default: '1024' },
    },
  });
  const { rate, users, s3, redis, memory } = values;
  return {
    rate: Number(rate),
    users: Number(users),
    s3_s: Number(s3),
    redis_s: Number(redis),
    memory_mib: Number(memory),
  };
}

class Run {
  private readonly options: Options;
  private readonly load: SteadyLoad;
  private readonly worker: WorkerProcess;
  private readonly phases: Phase[] = [];

  constructor(prefix: string, options: Options, cage: MemoryCage, load: SteadyLoad) {
    this.options = options;
    this.load = load;
    const heap_mib = Math.floor(options.memory_mib / 2);
    const env = {
      BENCH_PREFIX: prefix,
      BENCH_VIEW: 'counted',
      MILLRACE_APPLICATION_ID: prefix,
      MILLRACE_S3_PREFIX: `${prefix}/`,
      MILLRACE_FLUSH_AGE_MS: '10000',
      // As in the image: else the allocator keeps what threads have freed.
      MALLOC_ARENA_MAX: '2',
      MILLRACE_MEMORY_BYTES: String(options.memory_mib * mib),
    };
    const nodeFlags = heapFlags(heap_mib);
    this.worker = new WorkerProcess('benchmarks/features.ts', env, { nodeFlags });
    cage.hold(this.worker.pid);
  }

  /** Both servers are there again at the end, whatever happens. */
  async through(): Promise<void> {
    const { s3_s, redis_s } = this.options;
    const before_s = Math.max(0, (s3_s - redis_s) / 3);
    await this.worker.url();
    await this.phase('all is well', 60);
    await this.away('s3', async () => {
      await this.phase('S3 is away', before_s);
      await this.away('redis', () => this.phase('S3 and Redis are away', redis_s));
      await this.phaseUntil('S3 is away; Redis is back, empty', () => this.onlineCaughtUp());
      await this.phase('S3 is away', Math.max(0, s3_s - redis_s - before_s - this.last_s));
    });
    await this.phaseUntil('both are back', () => this.offlineCaughtUp());
    await this.load.stop();
    await this.phaseUntil('rows have stopped', () => this.settled());
  }

  print(cage: MemoryCage): void {
    report(
      `${count(this.options.rate)} rows/s, ${this.options.memory_mib} MiB at most`,
      ['', 's', 'largest RSS MiB', 'rows behind at its end', 'rows applied/s'],
      this.phases.map(({ what, seconds, rss_mib, lag, applied_per_s }) => [
        what,
        seconds.toFixed(0),
        count(rss_mib),
        count(lag),
        count(applied_per_s),
      ]),
    );
    console.log(`  at most ${count(cage.peak_bytes / mib)} MiB by the kernel's count, page cache included`);
  }

  featureRows(): Promise<number> {
    return this.worker.total('millrace_feature_log_rows_total');
  }

  async close(): Promise<void> {
    const code = await this.worker.stop();
    if (code !== 0) console.error(`the worker ended with ${code}:\n${this.worker.said.slice(-10).join('\n')}`);
  }

  private get last_s(): number {
    return this.phases.at(-1)!.seconds;
  }

  private async away(component: Component, meanwhile: () => Promise<void>): Promise<void> {
    await killComponent(component);
    try {
      await meanwhile();
    } finally {
      await startComponent(component);
    }
  }

  private phase(what: string, seconds: number): Promise<void> {
    const end_ms = performance.now() + seconds * 1000;
    return this.phaseUntil(what, () => Promise.resolve(performance.now() >= end_ms));
  }

  private async phaseUntil(what: string, isOver: () => Promise<boolean>): Promise<void> {
    const started_ms = performance.now();
    const before = await this.applied();
    let rss_bytes = 0;
    await until(
      what,
      async () => {
        rss_bytes = Math.max(rss_bytes, await this.worker.total('process_resident_memory_bytes'));
        return isOver();
      },
      limit_ms,
      500,
    );
    const seconds = (performance.now() - started_ms) / 1000;
    const applied = await this.applied();
    const figures = { rss_mib: rss_bytes / mib, lag: Math.max(0, this.load.sent - applied) };
    this.phases.push({ what, seconds, ...figures, applied_per_s: (applied - before) / seconds });
    console.error(`${what}: ${seconds.toFixed(0)} s, RSS ${Math.round(rss_bytes / mib)} MiB, ${figures.lag} behind`);
  }

  /** A second's rows are on their way at any time. A row that moves to another user is applied twice, so a few more may be. */
  private async onlineCaughtUp(): Promise<boolean> {
    const isRead = this.load.sent - (await this.applied()) < this.options.rate;
    return isRead && (await this.worker.total('millrace_online_pending_values')) < this.options.rate;
  }

  private async offlineCaughtUp(): Promise<boolean> {
    const stored = await this.worker.total('millrace_offline_rows_total');
    return (await this.featureRows()) - stored < 15 * this.options.rate;
  }

  private async settled(): Promise<boolean> {
    if ((await this.applied()) < this.load.sent || (await this.worker.total('millrace_lag_records')) > 0) return false;
    if ((await this.worker.total('millrace_online_pending_values')) > 0) return false;
    return (await this.worker.total('millrace_offline_rows_total')) === (await this.featureRows());
  }

  private applied(): Promise<number> {
    return this.worker.total('millrace_rows_applied_total');
  }
}
