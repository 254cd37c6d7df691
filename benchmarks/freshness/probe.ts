/** One run at one rate: keys are preloaded, then rows and floor take turns by a schedule, then the logs say when each row was where. */
import { Redis } from 'ioredis';
import { buildPlan } from '../../src/define/plan-builder.ts';
import type { EntityPlan, Plan } from '../../src/define/plan.ts';
import { createKafkaLog } from '../../src/log/kafka/kafka-log.ts';
import type { Log } from '../../src/log/log.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { systemClock } from '../../src/time/clock.ts';
import { entityLogTopic, featureLogTopic, internalTopics } from '../../src/worker/topics.ts';
import { CapturedShop, deleteTopics } from '../../test/support/captured-shop.ts';
import { until } from '../../test/support/until.ts';
import { WorkerProcess } from '../../test/support/worker-process.ts';
import { definitionsOf } from './features.ts';
import { Floor, type FloorResult, type FloorSetup } from './floor.ts';
import { readJourneys, type Journey, type TimerValues } from './journeys.ts';
import { LogTail } from './log-tail.ts';
import type { ProbeOptions } from './options.ts';
import { plannedLength_ms, preload } from './preload.ts';
import { RowLoad, type SentRow } from './row-load.ts';
import { planRun, type Schedule } from './schedule.ts';
import { sleep, WallClock } from './wall-clock.ts';
import { readFigures, type WorkerFigures } from './worker-figures.ts';

export interface ProbeResult {
  readonly schedule: Schedule;
  readonly sent: readonly SentRow[];
  readonly journeys: readonly Journey[];
  readonly timerValues: TimerValues;
  readonly floor: FloorResult;
  /** At the start and at the end of the measured part. */
  readonly figures: { readonly before: WorkerFigures; readonly after: WorkerFigures };
  /** How far Redis' clock is ahead of the probe's. */
  readonly redisAhead_ms: number;
}

const prefix = 'freshness';
/** A database of the server's own, so that nothing else in it is touched. */
const redisDatabase = 9;
const sourcePartitions = 3;
/** The broker stamps records when it appends them; without this the stamp is the producer's, before they are sent. */
const stampedByBroker = { 'message.timestamp.type': 'LogAppendTime' };
const preloadLimit_ms = 600_000;
/** A preload that takes longer than planned puts the run off by so many windows at most: keys have rows for them. */
const spareWindows = 1;

interface Stage {
  readonly log: Log;
  readonly shop: CapturedShop;
  readonly redis: Redis;
  readonly worker: WorkerProcess;
  readonly floor: Floor;
  readonly load: RowLoad;
  readonly clock: WallClock;
  readonly entity: EntityPlan;
  readonly application: string;
}

export async function probe(perSecond: number, options: ProbeOptions): Promise<ProbeResult> {
  const opened: (() => Promise<unknown>)[] = [];
  try {
    const stage = await setUp(perSecond, options, opened);
    const schedule = await preloadKeys(stage, options);
    return await run(stage, schedule, perSecond);
  } finally {
    for (const close of opened.reverse()) {
      await close().catch((error: unknown) => {
        console.error('cleaning up:', error);
      });
    }
  }
}

/** @param opened takes what undoes each step, so that a step that fails leaves nothing behind either. */
async function setUp(perSecond: number, options: ProbeOptions, opened: (() => Promise<unknown>)[]): Promise<Stage> {
  const application = `freshness${Date.now()}`;
  const brokers = process.env['MILLRACE_KAFKA_BROKERS']!;
  const url = new URL(process.env['MILLRACE_REDIS_URL']!);
  url.pathname = `/${redisDatabase}`;
  const plan = buildPlan(definitionsOf(prefix, options.window_s));
  const entity = plan.entities[0]!;
  const hops: FloorSetup['hops'] = [
    { topic: `${application}.floor-1`, partitions: sourcePartitions },
    { topic: `${application}.floor-2`, partitions: entity.partitions },
  ];
  const redis = new Redis(url.href);
  opened.push(() => redis.flushdb('ASYNC').finally(() => redis.disconnect()));
  await redis.flushdb('ASYNC');
  const log = await createKafkaLog({
    settings: { 'bootstrap.servers': brokers },
    clock: systemClock,
    logger: silentLogger,
  });
  opened.push(() => log.close());
  const topics = [...internalTopics(application, plan).map(({ name }) => name), ...hops.map(({ topic }) => topic)];
  opened.push(() => deleteTopics(topics));
  await log.ensureTopics(stampedTopics(application, plan));
  const shop = await CapturedShop.create(prefix, stampedByBroker);
  opened.push(() => shop.remove());
  await shop.capture();
  const env = {
    BENCH_PREFIX: prefix,
    BENCH_WINDOW_S: String(options.window_s),
    MILLRACE_APPLICATION_ID: application,
    MILLRACE_REDIS_URL: url.href,
    MILLRACE_S3_PREFIX: `${application}/`,
  };
  const profiles = process.env['BENCH_PROFILE'] ?? '';
  const flags = profiles === '' ? [] : ['--cpu-prof', `--cpu-prof-dir=${profiles}`];
  const worker = new WorkerProcess('benchmarks/freshness/features.ts', env, { nodeFlags: flags });
  opened.push(() => stopWorker(worker));
  await worker.url();
  const floor = await Floor.start(log, { brokers, redisUrl: url.href, hops });
  opened.push(() => floor.stop());
  const clock = new WallClock();
  const load = new RowLoad(shop.databaseUrl, clock, perSecond);
  opened.push(() => load.close());
  await load.connect();
  return { log, shop, redis, worker, floor, load, clock, entity, application };
}

/** The entity log, before the worker makes it: what is there it leaves. */
const stampedTopics = (application: string, plan: Plan) =>
  internalTopics(application, plan).map((topic) => ({ ...topic, config: { ...topic.config, ...stampedByBroker } }));

async function preloadKeys({ shop, worker }: Stage, options: ProbeOptions): Promise<Schedule> {
  const windows = planRun(0, options).windowEnds_ms.length + spareWindows;
  const rows = windows * options.keys;
  const schedule = planRun(Date.now() + plannedLength_ms(rows), options);
  const first_ms = Math.floor(schedule.start_ms / schedule.window_ms) * schedule.window_ms;
  const starts_ms = Array.from({ length: windows }, (_, w) => first_ms + w * schedule.window_ms);
  console.log(`  preloading ${rows} rows of ${options.keys} keys`);
  await preload(shop.db, options.keys, starts_ms);
  const progress = { applied: 0 };
  await until(
    () => `${progress.applied} of ${rows} preloaded rows are applied`,
    async () => {
      progress.applied = await worker.total('millrace_rows_applied_total');
      return progress.applied >= rows && (await worker.total('millrace_online_pending_values')) === 0;
    },
    preloadLimit_ms,
    500,
  );
  const settled = planRun(Date.now(), options);
  const late_ms = Math.max(0, settled.start_ms - schedule.start_ms);
  if (late_ms > spareWindows * schedule.window_ms)
    throw new Error(
      `the preload took ${late_ms / 1000} s longer than planned: its keys have no rows for the last window`,
    );
  return late_ms > 0 ? settled : schedule;
}

async function run(stage: Stage, schedule: Schedule, perSecond: number): Promise<ProbeResult> {
  const { log, redis, worker, floor, load, clock, entity, application } = stage;
  console.log(
    `  rows flow from ${timeOfDay(schedule.warmUp_ms)}, measured from ${timeOfDay(schedule.start_ms)} to ${timeOfDay(schedule.end_ms)}`,
  );
  const tails = {
    source: await LogTail.mark(log, stage.shop.topic, sourcePartitions),
    entityLog: await LogTail.mark(log, entityLogTopic(application, entity), entity.partitions),
    featureLog: await LogTail.mark(log, featureLogTopic(application, entity), entity.partitions),
  };
  const redisAhead_ms = await clockDifference_ms(redis, clock);
  const floorSlices = schedule.slices.filter(({ kind }) => kind === 'floor');
  const running = { floor: floor.run({ slices: floorSlices, perSecond }), rows: sendRows(load, clock, schedule) };
  const readings = readAt(worker, clock, [schedule.start_ms, schedule.end_ms]);
  const [floorResult, , [before, after]] = await Promise.all([running.floor, running.rows, readings]);
  await load.committed();
  const { journeys, timerValues } = await readJourneys(tails, entity, load.sent.length);
  return {
    schedule,
    sent: load.sent,
    journeys,
    timerValues,
    floor: floorResult,
    figures: { before: before!, after: after! },
    redisAhead_ms,
  };
}

async function sendRows(load: RowLoad, clock: WallClock, schedule: Schedule): Promise<void> {
  for (const slice of schedule.slices) {
    if (slice.kind === 'rows') {
      await load.send(slice);
      continue;
    }
    // The floor's turn: nothing that is measured here waits for the clock to be set.
    await sleep(slice.from_ms + (slice.to_ms - slice.from_ms) / 2 - clock.now_ms());
    clock.set();
  }
}

async function readAt(worker: WorkerProcess, clock: WallClock, times_ms: readonly number[]): Promise<WorkerFigures[]> {
  const figures: WorkerFigures[] = [];
  for (const time_ms of times_ms) {
    await sleep(time_ms - clock.now_ms());
    figures.push(await readFigures(worker));
  }
  return figures;
}

/** By the quickest of some answers; on one machine the two clocks are one. */
async function clockDifference_ms(redis: Redis, clock: WallClock): Promise<number> {
  let best = { took_ms: Infinity, ahead_ms: 0 };
  for (let i = 0; i < 50; i++) {
    const asked_ms = clock.now_ms();
    const [seconds, microseconds] = await redis.time();
    const took_ms = clock.now_ms() - asked_ms;
    const redis_ms = Number(seconds) * 1000 + Number(microseconds) / 1000;
    if (took_ms < best.took_ms) best = { took_ms, ahead_ms: redis_ms - asked_ms - took_ms / 2 };
  }
  return best.ahead_ms;
}

async function stopWorker(worker: WorkerProcess): Promise<void> {
  const code = await worker.stop();
  if (code !== 0) throw new Error(`the worker ended with ${code}:\n${worker.said.slice(-10).join('\n')}`);
}

const timeOfDay = (time_ms: number): string => new Date(time_ms).toISOString().slice(11, 23);
