/**
 * What keys cost beyond memory: frames through an entity task whose states are in RocksDB, as a worker keeps them, with a bound on what is in
 * memory. No Kafka and no Redis: the cost of the state alone. Each number of keys runs in a process of its own, so that its memory is its own.
 */
import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildPlan } from '../src/define/plan-builder.ts';
import { EntityTask } from '../src/entity/entity-task.ts';
import { stateVersion } from '../src/entity/task-record.ts';
import { afterBit, type RowEntry, type RowsFrame } from '../src/frames/row-frame.ts';
import { silentLogger } from '../src/observability/logger.ts';
import { createMetrics } from '../src/observability/metrics.ts';
import { openRocksStateStore } from '../src/state/rocksdb/rocksdb-state-store.ts';
import type { StateStore } from '../src/state/state-store.ts';
import { systemClock } from '../src/time/clock.ts';
import type { WaitingFrame } from '../src/worker/waiting-frame.ts';
import { OwnedEntityPartition } from '../src/worker/owned-entity-partition.ts';
import { StateCache, stateCacheLimitsOf } from '../src/worker/state-cache.ts';
import { notesWrite } from '../src/worker/stored-timers.ts';
import { StateLoader } from '../src/worker/state-loader.ts';
import * as definitions from './features.ts';
import { heapFlags } from './heap-flags.ts';
import { count, report } from './report.ts';

const frameRows = 100;
/** Frames that wait at once under load, and a commit after them: some 5,000 rows, as a worker has them at 25,000 rows/s. */
const batchFrames = 50;
const start_us = 1_800_000_000_000_000;

interface Figures {
  readonly keys: number;
  readonly rows_per_s: number;
  readonly cpu_us: number;
  readonly rss_MiB: number;
  /** After a full collection: what is in use, what the heap has taken for it, and what buffers hold beside it. */
  readonly heap_MiB: number;
  readonly taken_MiB: number;
  readonly buffers_MiB: number;
  readonly disk_MiB: number;
  readonly changelog_bytes: number;
  readonly resident_MiB: number;
  readonly loads_percent: number;
}

/** @param cache_MiB for states in memory. @param heap_MiB of the JavaScript heap. */
export function state(sizes: readonly number[], cache_MiB: number, heap_MiB: number): void {
  const results = sizes.map((keys) => {
    const self = fileURLToPath(import.meta.url);
    const loader = ['--conditions=source', '--import', 'tsx', '--expose-gc', ...heapFlags(heap_MiB)];
    const child = spawnSync(process.execPath, [...loader, self, String(keys), String(cache_MiB)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, BENCH_VIEW: 'sliding' },
    });
    if (child.status !== 0)
      throw new Error(`${count(keys)} keys: the process ended with ${child.status ?? child.signal}`);
    return JSON.parse(child.stdout) as Figures[];
  });
  report(
    `rows over keys that do not fit, ${cache_MiB} MiB for states, a heap of ${heap_MiB} MiB`,
    [
      'keys, their order',
      'rows/s',
      'CPU µs/row',
      'ratio',
      'brought %',
      'in memory MiB',
      'heap MiB',
      'taken MiB',
      'buffers MiB',
      'RSS MiB',
      'disk MiB',
      'changelog B/row',
    ],
    results.flatMap((runs) =>
      runs.map((figures, i) => [
        `${count(figures.keys)} ${['zipf', 'uniform'][i]}`,
        count(figures.rows_per_s),
        figures.cpu_us.toFixed(1),
        (figures.cpu_us / results[0]![i]!.cpu_us).toFixed(2),
        figures.loads_percent.toFixed(1),
        count(figures.resident_MiB),
        count(figures.heap_MiB),
        count(figures.taken_MiB),
        count(figures.buffers_MiB),
        count(figures.rss_MiB),
        count(figures.disk_MiB),
        count(figures.changelog_bytes),
      ]),
    ),
  );
}

class Run {
  private readonly keys: number;
  private readonly folder: string;
  private readonly store: StateStore;
  private readonly owned: OwnedEntityPartition;
  private readonly loader: StateLoader;
  private readonly cache: StateCache;
  private readonly metrics = createMetrics('bench');
  private readonly entity = buildPlan(definitions).entities[0]!;
  private number = 0;
  private row = 0;
  private changelog_bytes = 0;
  private random = 12_345;

  constructor(keys: number, cache_bytes: number, folder: string, store: StateStore) {
    this.keys = keys;
    this.folder = folder;
    this.store = store;
    this.owned = new OwnedEntityPartition('bench', this.entity, 0, 0);
    this.owned.run({ task: new EntityTask(this.entity), position: 0, published: -1 }, this.metrics);
    const shared = { store, clock: systemClock, logger: silentLogger, metrics: this.metrics };
    this.loader = new StateLoader({ ...shared, frameOf: ({ frame }) => frame! });
    const failed = (error: Error): void => {
      throw error;
    };
    this.cache = new StateCache({
      ...shared,
      limits_bytes: stateCacheLimitsOf(cache_bytes),
      owned: () => [this.owned],
      failed,
    });
  }

  /** A row of each key, in no order. */
  async fill(): Promise<void> {
    const { keys } = this;
    // Prime to every number of keys that is a power of ten.
    const step = 7_654_321;
    let next = 0;
    await this.drive(keys, () => (next = (next + step) % keys));
  }

  /** @param first_rows until memory holds what this order makes hot. */
  async measure(rows: number, first_rows: number, key: () => number): Promise<Figures> {
    await this.drive(first_rows, key);
    this.changelog_bytes = 0;
    const loadsBefore = await this.loads();
    const [before, started_ms] = [process.cpuUsage(), performance.now()];
    await this.drive(rows, key);
    const { user, system } = process.cpuUsage(before);
    const seconds = (performance.now() - started_ms) / 1000;
    globalThis.gc?.();
    const { heapUsed, heapTotal, arrayBuffers } = process.memoryUsage();
    return {
      keys: this.keys,
      rows_per_s: rows / seconds,
      cpu_us: (user + system) / rows,
      rss_MiB: process.resourceUsage().maxRSS / 1024,
      heap_MiB: heapUsed / 2 ** 20,
      taken_MiB: heapTotal / 2 ** 20,
      buffers_MiB: arrayBuffers / 2 ** 20,
      disk_MiB: (await sizeOf(this.folder)) / 2 ** 20,
      changelog_bytes: this.changelog_bytes / rows,
      resident_MiB: this.cache.resident_bytes / 2 ** 20,
      loads_percent: (((await this.loads()) - loadsBefore) / rows) * 100,
    };
  }

  readonly zipf = (): number => {
    const rank = Math.floor(Math.exp(this.next() * Math.log(this.keys + 1))) - 1;
    // Neighbours in rank are not neighbours on disk.
    return (rank * 7_654_321) % this.keys;
  };

  readonly uniform = (): number => Math.floor(this.next() * this.keys);

  private next(): number {
    this.random = (Math.imul(this.random, 1_664_525) + 1_013_904_223) >>> 0;
    return this.random / 2 ** 32;
  }

  private async loads(): Promise<number> {
    const text = await this.metrics.render();
    return Number(/millrace_state_loads_total\{result="found"\} (\d+)/.exec(text)?.[1] ?? 0);
  }

  private async drive(rows: number, key: () => number): Promise<void> {
    for (let done = 0; done < rows; done += frameRows * batchFrames) {
      const waiting = Array.from({ length: batchFrames }, () => this.frame(key));
      for (let missing = this.loader.prepare(waiting); missing !== null; missing = this.loader.prepare(waiting))
        await missing;
      const task = this.owned.task!;
      for (const { frame, record } of waiting) {
        task.apply(frame!, record.offset);
        this.owned.next = record.offset + 1;
      }
      task.residency.forgetLookups();
      await this.commit();
    }
  }

  private async commit(): Promise<void> {
    const { taskName, task } = this.owned;
    const { changes, taken, notes, record, position } = this.owned.takeCommit()!;
    const entries = [...changes, record(-1)];
    for (const { key, value } of entries) this.changelog_bytes += key.length + (value?.length ?? 0);
    const checkpoint = { changelogOffset: position, written_ms: Date.now(), definition: stateVersion(this.entity) };
    const timers = notes === null ? [] : [notesWrite(taskName, notes)];
    await this.store.write([{ task: taskName, entries, checkpoint }, ...timers]);
    task!.residency.stored(taken);
    this.owned.committed = position;
    this.cache.trim();
    await this.cache.stop();
  }

  private frame(key: () => number): WaitingFrame {
    const rows = Array.from({ length: frameRows }, () => this.entry(key()));
    const frame: RowsFrame = {
      kind: 'rows',
      source: { table: 0, topicId: '0'.repeat(32), partition: 0, partitionCount: 1 },
      session: 1,
      number: this.number,
      marks: { data_us: -Infinity, clock_us: -Infinity },
      rows,
    };
    const record = { ...this.owned.at, offset: this.number++, timestamp_ms: 0, key: null, value: null };
    return { owned: this.owned, record, frame };
  }

  private entry(user: number): RowEntry {
    const id = this.row++;
    const time_us = start_us + id * 20;
    const after = [BigInt(id), BigInt(user), BigInt(100 + (id % 10_000)), 'ok', `place ${id % 50}`, BigInt(time_us)];
    return {
      offset: id,
      operation: 'c',
      ingest_ms: 0,
      commit_us: time_us,
      routes: afterBit(0),
      before: null,
      after,
    };
  }
}

async function sizeOf(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = names.filter((entry) => entry.isFile());
  const sizes = await Promise.all(files.map(async ({ parentPath, name }) => (await stat(join(parentPath, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [keys, cache_MiB] = process.argv.slice(2).map(Number);
  const folder = await mkdtemp(join(tmpdir(), 'millrace-state-'));
  const store = await openRocksStateStore({ dir: folder, logger: silentLogger });
  try {
    const run = new Run(keys!, cache_MiB! * 2 ** 20, folder, store);
    await run.fill();
    const rows = 500_000;
    const zipf = await run.measure(rows, 3 * rows, run.zipf);
    console.log(JSON.stringify([zipf, await run.measure(rows, rows / 4, run.uniform)]));
  } finally {
    await store.close();
    await rm(folder, { recursive: true });
  }
}
