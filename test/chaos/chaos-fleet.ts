/** Workers on the real stack with rows flowing, and the comparison of all that they wrote with SQL. */
import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import { loadDefinitions } from '../../src/cli/load-definitions.ts';
import type { Plan } from '../../src/define/plan.ts';
import { createKafkaLog } from '../../src/log/kafka/kafka-log.ts';
import type { Log } from '../../src/log/log.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { createS3ObjectStore } from '../../src/offline/s3/s3-object-store.ts';
import { systemClock } from '../../src/time/clock.ts';
import { CapturedShop } from '../support/captured-shop.ts';
import { differences, readOnline, type OnlineValue } from '../support/reference-comparison.ts';
import { until } from '../support/until.ts';
import { FeatureHistory } from './feature-history.ts';
import { RowFlow } from './row-flow.ts';
import { SlowNetwork } from './slow-network.ts';
import { WorkerSlot, type Shares } from './worker-slot.ts';

const definitions = 'test/e2e/fraud-features.ts';
/** As the shop makes its topic. */
const sourcePartitions = 3;

export interface ChaosOptions {
  readonly seed: number;
  readonly users: number;
  /** Of the reference case, milliseconds. Default so long that no window ends: its end would repair what is wrong, and empty what is compared. */
  readonly window_ms?: number;
  /** Sources of the workers, if not these. */
  readonly root?: string;
  /** How many of the newest rows are changed again. */
  readonly reach?: number;
  /** Rows that are there before the connector starts. */
  readonly firstRows?: number;
  /** Default 2. */
  readonly workers?: number;
  /** Rows that {@link ChaosFleet.flow} inserts at a time. */
  readonly batch?: number;
  /** Users below have no rows of {@link ChaosFleet.flow}. */
  readonly firstUser?: number;
}

/** 300 days, in windows that begin with 1970. */
const longWindow_ms = 300 * 24 * 3_600_000;

export interface Compared {
  readonly keys: number;
  readonly nonEmpty: number;
  readonly mismatches: readonly string[];
}

interface OnlineComparison {
  readonly online: readonly OnlineValue[];
  readonly mismatches: readonly string[];
}

interface FleetParts {
  readonly options: ChaosOptions;
  readonly application: string;
  readonly shop: CapturedShop;
  readonly log: Log;
  readonly plan: Plan;
  /** One for each worker. */
  readonly networks: readonly SlowNetwork[];
}

export class ChaosFleet {
  readonly application: string;
  readonly shop: CapturedShop;
  readonly slots: readonly WorkerSlot[];
  readonly flow: RowFlow;
  readonly redis: Redis;
  readonly log: Log;
  readonly plan: Plan;
  readonly history: FeatureHistory;
  private readonly options: ChaosOptions;

  private constructor({ options, application, shop, log, plan, networks }: FleetParts) {
    this.options = options;
    this.application = application;
    this.shop = shop;
    this.log = log;
    this.plan = plan;
    this.redis = new Redis(process.env['MILLRACE_REDIS_URL']!, { maxRetriesPerRequest: null });
    // While Redis is stopped there is nothing to be done about it.
    this.redis.on('error', () => undefined);
    this.flow = new RowFlow(shop.db, { ...options, firstId: 1_000_000, reach: options.reach ?? 2000 });
    const objects = createS3ObjectStore({
      bucket: process.env['MILLRACE_S3_BUCKET']!,
      endpoint: process.env['MILLRACE_S3_ENDPOINT']!,
      region: process.env['MILLRACE_S3_REGION']!,
      prefix: `${application}/`,
    });
    this.history = new FeatureHistory(log, objects, application, plan);
    const env = {
      MILLRACE_APPLICATION_ID: application,
      MILLRACE_S3_PREFIX: `${application}/`,
      MILLRACE_FLUSH_AGE_MS: '1000',
      E2E_WINDOW: `${this.window_ms}ms`,
    };
    const root = options.root === undefined ? {} : { root: options.root };
    this.slots = networks.map((network) => new WorkerSlot({ definitions, env, network, ...root }));
  }

  /** A shop with its rows, not yet captured, and no worker. */
  static async create(options: ChaosOptions): Promise<ChaosFleet> {
    process.env['E2E_WINDOW'] = `${options.window_ms ?? longWindow_ms}ms`;
    const shop = await CapturedShop.create('dbserver');
    const settings = { 'bootstrap.servers': process.env['MILLRACE_KAFKA_BROKERS']! };
    const log = await createKafkaLog({ settings, clock: systemClock, logger: silentLogger });
    const application = `chaos-${randomBytes(4).toString('hex')}`;
    const plan = await loadDefinitions(definitions);
    const networks = await Promise.all(
      Array.from({ length: options.workers ?? 2 }, () => SlowNetwork.open(process.env['MILLRACE_REDIS_URL']!)),
    );
    const fleet = new ChaosFleet({ options, application, shop, log, plan, networks });
    await fleet.redis.flushall();
    await shop.db.query(
      `insert into public.transactions select i, i % $2, 1, 'ok', 'Oulu', (now() at time zone 'utc') - interval '1 second'
       from generate_series(1, $1::bigint) as i`,
      [options.firstRows ?? 1, options.users],
    );
    return fleet;
  }

  get tasks(): number {
    return this.plan.entities[0]!.partitions;
  }

  async startWorkers(): Promise<void> {
    await Promise.all(this.slots.map((slot) => slot.start()));
    await this.untilBalanced();
  }

  /** All that are to run do, each with its share, all state restored. @returns their shares. */
  async untilBalanced(limit_ms?: number): Promise<readonly Shares[]> {
    const { tasks } = this;
    const slots = this.slots.filter(({ isWanted }) => isWanted);
    const totals = { ingest: sourcePartitions, entity: tasks, offline: tasks };
    return this.untilShared(slots, (shares) => isBalanced(shares, totals), limit_ms);
  }

  /** All tasks of the others have come to this slot. */
  async untilTakenOver(slot: WorkerSlot): Promise<void> {
    await this.untilShared([slot], ([only]) => only!.entity === this.tasks);
  }

  private async untilShared(
    slots: readonly WorkerSlot[],
    isIt: (shares: readonly Shares[]) => boolean,
    limit_ms = 120_000,
  ): Promise<readonly Shares[]> {
    let last: readonly (Shares | null)[] = [];
    const isShared = async (): Promise<boolean> => {
      await this.keepUp(slots);
      last = await Promise.all(slots.map((slot) => slot.shares()));
      return last.every((shares) => shares !== null) && isIt(last);
    };
    const said = (): string => slots.flatMap(({ failures }) => failures.slice(-1)).join('\n');
    await until(
      () => `tasks are where they belong; the ${slots.length} workers have ${JSON.stringify(last)}; ${said()}`,
      () => isShared().catch(() => false),
      limit_ms,
      100,
    );
    return last as readonly Shares[];
  }

  /** What an orchestrator does all the time. */
  private async keepUp(slots: readonly WorkerSlot[] = this.slots): Promise<void> {
    for (const slot of slots) if (slot.isWanted) await slot.keepUp();
  }

  get window_ms(): number {
    return this.options.window_ms ?? longWindow_ms;
  }

  /** No row counts for any key: its window is over. */
  async allEmpty(): Promise<boolean> {
    return (await readOnline(this.redis, this.options.users)).every(({ count }) => count === '0');
  }

  /** Rows stop, and those that were there are all online. */
  async untilRead(): Promise<void> {
    await this.flow.pause();
    await this.onlineAgainstSql(60_000);
  }

  /** Pauses the rows, waits until everything equals SQL, or says what does not. */
  async compare(limit_ms = 90_000): Promise<Compared> {
    await this.flow.pause();
    const values = await this.onlineAgainstSql(limit_ms);
    return values.mismatches.length > 0 ? comparedOf(values) : this.allAgainstSql(limit_ms);
  }

  private async onlineAgainstSql(limit_ms: number): Promise<OnlineComparison> {
    let last: OnlineComparison = { online: [], mismatches: [] };
    const isEqual = async (): Promise<boolean> => {
      last = await this.compareOnline();
      return last.mismatches.length === 0;
    };
    await until('Redis equals SQL', isEqual, limit_ms, 250).catch(() => undefined);
    return last;
  }

  /** Each time anew what is online: a window that ends while files are waited for changes it, and the feature log with it. */
  private async allAgainstSql(limit_ms: number): Promise<Compared> {
    let last: OnlineComparison = { online: [], mismatches: [] };
    const isEqual = async (): Promise<boolean> => {
      const { online, mismatches } = await this.compareOnline();
      await this.history.readOn();
      last = { online, mismatches: [...mismatches, ...this.history.mismatches(online)] };
      return last.mismatches.length === 0;
    };
    const what = 'Parquet equals the feature log, and both what is online';
    await until(what, isEqual, limit_ms, 500).catch(() => undefined);
    return comparedOf(last);
  }

  private async compareOnline(): Promise<OnlineComparison> {
    await this.keepUp();
    const { rows } = await this.shop.db.query<{ n: string }>(
      'select count(distinct user_id) as n from public.transactions',
    );
    const atLeast = Number(rows[0]!.n);
    const online = await readOnline(this.redis, this.options.users);
    const mismatches = await differences(this.shop.db, online, this.window_ms * 1000);
    if (online.length < atLeast) mismatches.push(`${online.length} of ${atLeast} users have values`);
    return { online, mismatches };
  }

  /** A metric of all workers that run, over the labels that contain a text. */
  async total(metric: string, labels = ''): Promise<number> {
    const running = this.slots.filter(({ isUp }) => isUp);
    const totals = await Promise.all(running.map(({ worker }) => worker.total(metric, labels)));
    return totals.reduce((sum, each) => sum + each, 0);
  }

  async close(): Promise<void> {
    await this.flow.pause();
    for (const slot of this.slots) await slot.close();
    await this.log.close();
    await this.shop.close();
    this.redis.disconnect();
  }
}

function comparedOf({ online, mismatches }: OnlineComparison): Compared {
  return { keys: online.length, nonEmpty: online.filter(({ count }) => count !== '0').length, mismatches };
}

/** Of each kind of task, no worker has two more than another, and each task is somewhere. */
function isBalanced(shares: readonly Shares[], totals: Shares): boolean {
  return (['ingest', 'entity', 'offline'] as const).every((kind) => {
    const counts = shares.map((each) => each[kind]);
    const sum = counts.reduce((a, b) => a + b, 0);
    return sum === totals[kind] && Math.max(...counts) - Math.min(...counts) <= 1;
  });
}
