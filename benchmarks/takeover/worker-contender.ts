/** A Millrace worker with its entity's states, loaded from a source topic as in production. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { buildPlan } from '../../src/define/plan-builder.ts';
import { createS3ObjectStore } from '../../src/offline/s3/s3-object-store.ts';
import { changelogTopic, entityLogTopic, internalTopics } from '../../src/worker/topics.ts';
import { deleteTopics } from '../../test/support/captured-shop.ts';
import { until } from '../../test/support/until.ts';
import { WorkerProcess } from '../../test/support/worker-process.ts';
import { envelope } from '../envelopes.ts';
import { heapFlags } from '../heap-flags.ts';
import type { Contender, Restored } from './contender.ts';
import * as definitions from './features.ts';
import { partitions } from './partitions.ts';
import type { Stage } from './stage.ts';

/** A database of the server's own, so that nothing else in it is touched. */
const redisDatabase = 9;
/** As the chart has it. */
const heapShare = 0.5;
const load_ms = 400_000;
const restored = ['state restored', 'state on disk reused, the rest read from the changelog'] as const;
/** Long enough for none to be put while a takeover is measured. */
const snapshotsUsed_ms = 3_600_000;

export class WorkerContender implements Contender {
  private readonly stage: Stage;
  private readonly memory_bytes: number;
  private readonly plan = buildPlan(definitions);
  private readonly redis: Redis;
  private readonly redisUrl: string;
  private readonly topic: string;
  private disk = '';
  private life: WorkerProcess | null = null;
  private snapshots_ms = 0;
  private rows = 0;
  private readonly changes = new Map<number, number>();
  private nextUser = 0;

  constructor(stage: Stage, memory_bytes: number) {
    this.stage = stage;
    this.memory_bytes = memory_bytes;
    this.topic = `${stage.id}.public.transactions`;
    const url = new URL(process.env['MILLRACE_REDIS_URL']!);
    url.pathname = `/${redisDatabase}`;
    this.redisUrl = url.href;
    this.redis = new Redis(url.href);
  }

  get pid(): number {
    return this.worker.pid;
  }

  private get worker(): WorkerProcess {
    if (this.life === null) throw new Error('no worker runs');
    return this.life;
  }

  /** A row of each user, and all of it committed. */
  async load(users: number): Promise<void> {
    await this.redis.flushdb('ASYNC');
    await this.newDisk();
    await this.stage.createTopic(this.topic);
    this.start();
    for (let user = 0; user < users; user++) await this.insert(user);
    await this.taken(users);
    await this.settled();
  }

  /** Mean sizes of what the changelog holds of a key: what a restore has to read. */
  async entrySize(records: number): Promise<number> {
    let [seen, bytes] = [0, 0];
    const reader = await this.stage.log.reader({
      batch: (batch) => {
        for (const { value } of batch) bytes += value?.length ?? 0;
        seen += batch.length;
      },
      failed: (error) => {
        throw error;
      },
    });
    await reader.assign([{ topic: changelogTopic(this.stage.id, this.entity), partition: 0, offset: 0 }]);
    await until('the changelog is read', () => seen >= records);
    await reader.close();
    return Math.round(bytes / seen);
  }

  async kill(): Promise<void> {
    const life = this.worker;
    this.life = null;
    await life.stop('SIGKILL');
  }

  async loseDisk(): Promise<void> {
    await rm(this.disk, { recursive: true, force: true });
    await this.newDisk();
  }

  start(): void {
    const env = {
      BENCH_PREFIX: this.stage.id,
      MILLRACE_APPLICATION_ID: this.stage.id,
      MILLRACE_ROLES: 'ingest,entity',
      MILLRACE_MEMORY_BYTES: String(this.memory_bytes),
      MILLRACE_REDIS_URL: this.redisUrl,
      MILLRACE_S3_PREFIX: `${this.stage.id}/`,
      MILLRACE_STATE_DIR: this.disk,
      // The dead life is a member still: what it had would be read before the group is joined, and not be counted as restored.
      MILLRACE_WARM_UP_MS: '0',
      MILLRACE_STATE_SNAPSHOT_INTERVAL_MS: String(this.snapshots_ms),
    };
    const profiles = process.env['BENCH_PROFILE'] ?? '';
    const heap_MiB = Math.round((this.memory_bytes * heapShare) / 2 ** 20);
    const flags = heapFlags(heap_MiB);
    if (profiles !== '') flags.push('--cpu-prof', `--cpu-prof-dir=${profiles}`);
    this.life = new WorkerProcess('benchmarks/takeover/features.ts', env, { nodeFlags: flags });
  }

  async change(): Promise<() => Promise<boolean>> {
    const user = this.nextUser++;
    await this.insert(user);
    await this.stage.flush();
    const wanted = this.changes.get(user)!;
    return async () => Number(await this.redis.hget(`takeover_features:${user}`, 'transactions')) >= wanted;
  }

  restored(): Restored | null {
    const lines = restored.flatMap((message) => this.worker.logged(message));
    if (lines.length < partitions) return null;
    return {
      records: lines.reduce((sum, line) => sum + recordsOf(line), 0),
      seconds: Math.max(...lines.map((line) => Number(line['took_ms']))) / 1000,
    };
  }

  /** Lets each task put a snapshot, then some rows come that are in none; the lives behind use it. */
  async snapshot(rowsBehind: number): Promise<void> {
    this.snapshots_ms = 1000;
    await this.kill();
    this.start();
    await until('each task has put a snapshot', async () => (await this.snapshotsPut()) >= partitions, load_ms, 200);
    this.snapshots_ms = snapshotsUsed_ms;
    await this.kill();
    this.start();
    const before = await this.one('millrace_rows_applied_total');
    for (let i = 0; i < rowsBehind; i++) await this.insert(this.nextUser++);
    await this.taken(before + rowsBehind);
    await this.settled();
  }

  /** So many rows of this life's are applied. */
  private async taken(rows: number): Promise<void> {
    await this.stage.flush();
    let applied = 0;
    await until(
      () => `${applied} of ${rows} rows are applied`,
      async () => (applied = await this.one('millrace_rows_applied_total')) >= rows,
      load_ms,
      100,
    );
  }

  async settled(): Promise<void> {
    await until('all is online', async () => (await this.one('millrace_online_pending_values')) === 0, load_ms, 100);
    await this.stage.untilCommitted(`${this.stage.id}.entity`, entityLogTopic(this.stage.id, this.entity));
    await this.stage.untilCommitted(`${this.stage.id}.ingest`, this.topic);
  }

  async close(): Promise<void> {
    if (this.life !== null) await this.kill();
    await rm(this.disk, { recursive: true, force: true });
    await this.redis.flushdb('ASYNC');
    this.redis.disconnect();
    await deleteTopics([this.topic, ...internalTopics(this.stage.id, this.plan).map(({ name }) => name)]);
    const objects = createS3ObjectStore({
      bucket: process.env['MILLRACE_S3_BUCKET']!,
      endpoint: process.env['MILLRACE_S3_ENDPOINT']!,
      region: process.env['MILLRACE_S3_REGION']!,
      prefix: `${this.stage.id}/`,
    });
    for (const name of await objects.list('state/')) await objects.delete(name);
    await objects.close();
  }

  private get entity() {
    return this.plan.entities[0]!;
  }

  private async one(metric: string): Promise<number> {
    const { worker } = this;
    try {
      return await worker.total(metric);
    } catch (cause) {
      throw new Error(`the worker ended with ${await worker.exited()}:\n${worker.said.slice(-20).join('\n')}`, {
        cause,
      });
    }
  }

  private async snapshotsPut(): Promise<number> {
    return (await this.worker.metric('millrace_state_snapshots_total')).get('result="written"') ?? 0;
  }

  private async newDisk(): Promise<void> {
    this.disk = await mkdtemp(join(tmpdir(), 'millrace-takeover-'));
  }

  private async insert(user: number): Promise<void> {
    const row = this.rows++;
    const now_us = Date.now() * 1000;
    const after = {
      transaction_id: row,
      user_id: user,
      amount: '12.50',
      status: 'ok',
      location: `place ${row % 100}`,
      transaction_time: now_us,
    };
    this.changes.set(user, (this.changes.get(user) ?? 0) + 1);
    const key = Buffer.from(`{"transaction_id":${row}}`);
    await this.stage.append(this.topic, user, key, Buffer.from(envelope(null, after, row, now_us)));
  }
}

/** Changelog records; from a snapshot also its entries, one a key. */
const recordsOf = (line: Readonly<Record<string, unknown>>): number =>
  Number(line['changelog_records']) + (line['from'] === 'snapshot' ? Number(line['keys']) : 0);
