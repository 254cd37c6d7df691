/** `millrace worker`: a worker on Kafka, Redis and S3. */
import { describeConfig, loadConfig, type Config } from '../config/config.ts';
import { environment } from '../config/environment.ts';
import type { Plan } from '../define/plan.ts';
import { createKafkaLog } from '../log/kafka/kafka-log.ts';
import { serveHttp, type HttpServer } from '../observability/http-server.ts';
import { createLogger, type Logger } from '../observability/logger.ts';
import { createMetrics } from '../observability/metrics.ts';
import { measureProcess, processLimits, type ProcessLimits } from '../observability/process-metrics.ts';
import type { Tracer } from '../observability/tracer.ts';
import { workerRoutes } from '../observability/worker-routes.ts';
import { createInlineEncoder } from '../offline/parquet-encoder.ts';
import { createThreadEncoder } from '../offline/thread/thread-encoder.ts';
import { createS3ObjectStore } from '../offline/s3/s3-object-store.ts';
import { openRocksStateStore } from '../state/rocksdb/rocksdb-state-store.ts';
import { createMemoryStateStore } from '../state/memory/memory-state-store.ts';
import { createRedisOnlineStore } from '../online/redis/redis-online-store.ts';
import { featureRoute } from '../serve/feature-routes.ts';
import { systemClock } from '../time/clock.ts';
import { stateCacheLimits } from '../worker/state-cache.ts';
import { ProgressMonitor } from '../worker/progress-monitor.ts';
import { Worker, type WorkerOptions } from '../worker/worker.ts';
import { healthOf } from './health.ts';
import { loadDefinitions } from './load-definitions.ts';
import { openTracer } from './tracer.ts';
import { untilStopped } from './until-stopped.ts';
import { packageVersion } from './version.ts';

/** Runs until SIGTERM, then drains. @throws MillraceError when it cannot start or cannot go on. */
export async function runWorker(definitions: string): Promise<void> {
  const config = loadConfig(environment, 'worker');
  const plan = await loadDefinitions(definitions);
  const logger = createLogger(config.logLevel);
  logger.info({ version: packageVersion(), definitions, config: describeConfig(config) }, 'starting');
  let fail: (error: Error) => void = () => undefined;
  const failure = new Promise<never>((_, reject) => (fail = reject));
  failure.catch(() => undefined);
  const limits = processLimits(config.memory_bytes);
  const ports = await openPorts(config, limits, plan, logger);
  const worker = new Worker({ ...ports, failed: fail });
  const monitor = new ProgressMonitor({ ...ports, worker });
  const stopMeasuring = measureProcess(
    ports.metrics,
    ports.clock,
    config.roles.includes('entity') ? config.stateDir : null,
    limits,
  );
  const routes = [...workerRoutes(ports.metrics, healthOf(worker, monitor)), featureRoute(plan, ports.online)];
  let server: HttpServer | null = null;
  try {
    server = await serveHttp({ ...config.http, routes });
    await worker.start();
    logger.info({ url: server.url }, 'running');
    const signal = await untilStopped(failure);
    logger.info({ signal }, 'draining');
  } finally {
    await worker.stop();
    await monitor.stop();
    stopMeasuring();
    await server?.close();
    await ports.online.close();
    await ports.state.close();
    await ports.objects?.close();
    await ports.encoder?.close();
    await ports.log.close();
    await ports.tracer.close();
    logger.info({}, 'stopped');
  }
}

type Ports = Omit<WorkerOptions, 'failed'> & { readonly tracer: Tracer };

async function openPorts(config: Config, limits: ProcessLimits, plan: Plan, logger: Logger): Promise<Ports> {
  const clock = systemClock;
  const online = await createRedisOnlineStore({ ...config.redis, logger });
  const encoder = config.roles.includes('offline') ? createThreadEncoder() : createInlineEncoder();
  try {
    return {
      plan,
      application: config.applicationId,
      roles: config.roles,
      commitInterval_ms: config.commitInterval_ms,
      snapshot_bytes: config.snapshot_bytes,
      stateCache_bytes: config.stateCache_bytes ?? stateCacheLimits(limits.memory_bytes, limits.heap_bytes),
      flush: config.flush,
      encoder,
      log: await createKafkaLog({
        settings: config.kafka,
        clock,
        logger,
        ...(config.groupInstanceId === undefined ? {} : { groupInstanceId: config.groupInstanceId }),
      }),
      online,
      ...(config.roles.includes('entity') ? await openDisk(config, logger) : { state: createMemoryStateStore() }),
      objects: needsObjects(config) ? createS3ObjectStore(config.s3) : null,
      copies: config.copies,
      stateSnapshots: { interval_ms: config.stateSnapshotInterval_ms },
      clock,
      logger,
      metrics: createMetrics(packageVersion()),
      tracer: await openTracer(config, logger),
    };
  } catch (error) {
    await online.close();
    await encoder.close();
    throw error;
  }
}

async function openDisk(config: Config, logger: Logger): Promise<Pick<Ports, 'state' | 'holder'>> {
  const state = await openRocksStateStore({ dir: config.stateDir, logger });
  return { state, holder: state.identity };
}

const needsObjects = ({ roles, stateSnapshotInterval_ms }: Config): boolean =>
  roles.includes('offline') || (roles.includes('entity') && stateSnapshotInterval_ms > 0);
