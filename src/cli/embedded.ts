/** A whole Millrace in one process, on embedded parts: memory log, memory online store, Parquet files in a folder. */
import type { Plan } from '../define/plan.ts';
import { createMemoryLog } from '../log/memory/memory-log.ts';
import type { Log } from '../log/log.ts';
import { serveHttp } from '../observability/http-server.ts';
import type { Logger } from '../observability/logger.ts';
import { createMetrics, type Metrics } from '../observability/metrics.ts';
import { measureProcess } from '../observability/process-metrics.ts';
import type { Tracer } from '../observability/tracer.ts';
import { workerRoutes } from '../observability/worker-routes.ts';
import { createFilesystemObjectStore } from '../offline/filesystem/filesystem-object-store.ts';
import { createMemoryStateStore } from '../state/memory/memory-state-store.ts';
import { createMemoryOnlineStore } from '../online/memory/memory-online-store.ts';
import type { OnlineStore } from '../online/online-store.ts';
import { featureRoute } from '../serve/feature-routes.ts';
import { sleep, systemClock, type Clock } from '../time/clock.ts';
import { ProgressMonitor } from '../worker/progress-monitor.ts';
import { Worker } from '../worker/worker.ts';
import { healthOf } from './health.ts';
import { sourceRoute } from './source-route.ts';
import { packageVersion } from './version.ts';

export interface EmbeddedOptions {
  readonly plan: Plan;
  /** Where Parquet files go. */
  readonly dataDir: string;
  readonly http: { readonly host: string; readonly port: number };
  readonly logger: Logger;
  readonly clock?: Clock;
  /** Absent: no row is traced. */
  readonly tracer?: Tracer;
  /** Partitions of each source topic. Default 3. */
  readonly sourcePartitions?: number;
}

export interface Embedded {
  readonly log: Log;
  readonly online: OnlineStore;
  readonly metrics: Metrics;
  readonly url: string;
  /** Rejects when the worker cannot go on. */
  readonly failure: Promise<never>;
  /** Resolves when everything that was appended to the source topics is online and in the files. */
  settled(): Promise<void>;
  stop(): Promise<void>;
}

export async function startEmbedded(options: EmbeddedOptions): Promise<Embedded> {
  const { plan, dataDir, http, logger, clock = systemClock } = options;
  const log = createMemoryLog({ clock });
  const online = createMemoryOnlineStore({ clock });
  const metrics = createMetrics(packageVersion());
  const sources = plan.entities.flatMap((entity) =>
    entity.tables.flatMap(({ topic, heartbeatTopic }) => [topic, heartbeatTopic]),
  );
  await log.ensureTopics(
    [...new Set(sources)].map((name) => ({ name, partitions: options.sourcePartitions ?? 3, config: {} })),
  );
  let fail: (error: Error) => void = () => undefined;
  const failure = new Promise<never>((_, reject) => (fail = reject));
  failure.catch(() => undefined);
  const worker = new Worker({
    plan,
    application: 'millrace',
    roles: ['ingest', 'entity', 'offline'],
    commitInterval_ms: 200,
    log,
    online,
    state: createMemoryStateStore(),
    objects: createFilesystemObjectStore(dataDir),
    flush: { rows: 100_000, bytes: 64 * 1024 * 1024, age_ms: 60_000 },
    clock,
    logger,
    metrics,
    ...(options.tracer === undefined ? {} : { tracer: options.tracer }),
    failed: fail,
  });
  const monitor = new ProgressMonitor({ worker, clock, logger, metrics });
  const stopMeasuring = measureProcess(metrics, clock, null);
  const producer = await log.producer({ name: 'source', failed: fail });
  const routes = [
    ...workerRoutes(metrics, healthOf(worker, monitor)),
    featureRoute(plan, online),
    await sourceRoute(log, producer, plan),
  ];
  const server = await serveHttp({ ...http, routes });
  const stop = async (): Promise<void> => {
    await worker.stop();
    await monitor.stop();
    stopMeasuring();
    await server.close();
    await log.close();
  };
  try {
    await worker.start();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    log,
    online,
    metrics,
    url: server.url,
    failure,
    settled: async () => {
      while (!(await worker.settled())) await sleep(clock, 20);
    },
    stop,
  };
}
