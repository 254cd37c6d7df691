/**
 * A preloaded topic through one worker with all three kinds of task, on the stack: rows/s and CPU per row, beside the floor of only
 * reading the same topic through the same client.
 */
import { randomBytes } from 'node:crypto';
import { createKafkaLog } from '../src/log/kafka/kafka-log.ts';
import type { Log } from '../src/log/log.ts';
import { silentLogger } from '../src/observability/logger.ts';
import { systemClock } from '../src/time/clock.ts';
import { until } from '../test/support/until.ts';
import { WorkerProcess } from '../test/support/worker-process.ts';
import { envelopes } from './envelopes.ts';
import { count, report } from './report.ts';

const partitions = 3;
const producerLimit_bytes = 32 * 1024 * 1024;
const limit_ms = 600_000;

interface Cost {
  readonly seconds: number;
  readonly cpu_s: number;
}

/** @param view of `benchmarks/features.ts`. */
export async function throughput(rows = 1_000_000, view = 'tumbling'): Promise<void> {
  const prefix = `bench${randomBytes(4).toString('hex')}`;
  const topic = `${prefix}.public.transactions`;
  const settings = { 'bootstrap.servers': process.env['MILLRACE_KAFKA_BROKERS']! };
  const log = await createKafkaLog({ settings, clock: systemClock, logger: silentLogger });
  try {
    await preload(log, topic, rows);
    const floor = await readOnly(log, topic, rows);
    const { cost, rss_mib, values } = await throughWorker(prefix, rows, view);
    const line = (what: string, { seconds, cpu_s }: Cost): string[] => [
      what,
      count(rows / seconds),
      ((cpu_s * 1e6) / rows).toFixed(1),
      seconds.toFixed(1),
    ];
    report(
      `${count(rows)} Debezium messages, ${partitions} source partitions, ${view} windows of 5 min`,
      ['', 'rows/s', 'CPU µs/row', 's'],
      [line('only reading the topic', floor), line('one worker, ingest to Redis and Parquet', cost)],
    );
    console.log(`  worker RSS ${rss_mib} MiB at most; ${count(values)} values emitted`);
  } finally {
    await log.close();
  }
}

async function preload(log: Log, topic: string, rows: number): Promise<void> {
  await log.ensureTopics([{ name: topic, partitions, config: {} }]);
  const producer = await log.producer({
    name: 'preload',
    failed: (error) => {
      throw error;
    },
  });
  for (const { id, value } of envelopes({ rows, users: 100_000, updates: 0.05, deletes: 0.05 })) {
    producer.append(topic, id % partitions, Buffer.from(`{"transaction_id":${id}}`), value);
    if (producer.pending_bytes > producerLimit_bytes) await producer.flush();
  }
  await producer.close();
}

async function readOnly(log: Log, topic: string, rows: number): Promise<Cost> {
  let read = 0;
  const reader = await log.reader({
    batch: (records) => {
      read += records.length;
    },
    failed: (error) => {
      throw error;
    },
  });
  const started_ms = performance.now();
  const before = process.cpuUsage();
  await reader.assign(Array.from({ length: partitions }, (_, partition) => ({ topic, partition, offset: 0 })));
  await until('the topic is read', () => read >= rows, limit_ms);
  const { user, system } = process.cpuUsage(before);
  const seconds = (performance.now() - started_ms) / 1000;
  await reader.close();
  return { seconds, cpu_s: (user + system) / 1e6 };
}

async function throughWorker(
  prefix: string,
  rows: number,
  view: string,
): Promise<{ cost: Cost; rss_mib: number; values: number }> {
  const env = {
    BENCH_PREFIX: prefix,
    BENCH_VIEW: view,
    MILLRACE_APPLICATION_ID: prefix,
    MILLRACE_S3_PREFIX: `${prefix}/`,
  };
  const profiles = process.env['BENCH_PROFILE'] ?? '';
  const flags = profiles === '' ? [] : ['--cpu-prof', `--cpu-prof-dir=${profiles}`];
  const worker = new WorkerProcess('benchmarks/features.ts', env, { nodeFlags: flags });
  try {
    await worker.url();
    let rss_bytes = 0;
    const applied = async (): Promise<number> => {
      rss_bytes = Math.max(rss_bytes, await worker.total('process_resident_memory_bytes'));
      return worker.total('millrace_rows_applied_total');
    };
    const started_ms = performance.now();
    const before_s = await worker.total('process_cpu_seconds_total');
    await until('every row is applied', async () => (await applied()) >= rows, limit_ms, 100);
    await until(
      'every value is online',
      async () => (await worker.total('millrace_online_pending_values')) === 0,
      limit_ms,
      100,
    );
    const seconds = (performance.now() - started_ms) / 1000;
    const cpu_s = (await worker.total('process_cpu_seconds_total')) - before_s;
    const values = await worker.total('millrace_online_writes_total');
    return { cost: { seconds, cpu_s }, rss_mib: Math.round(rss_bytes / 2 ** 20), values };
  } finally {
    const code = await worker.stop();
    if (code !== 0) console.error(`the worker ended with ${code}:\n${worker.said.slice(-10).join('\n')}`);
  }
}
