/** What the process and its disk are doing, beside what prom-client measures by itself: event loop, memory limits, state directory. */
import { lstat, readdir, statfs } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import type { Clock } from '../time/clock.ts';
import type { Metrics } from './metrics.ts';

const loop_ms = 10_000;
const disk_ms = 30_000;
const resolution_ms = 10;
const quantiles = { '0.5': 50, '0.99': 99, '1': 100 } as const;

export interface ProcessLimits {
  /** What the process may take in all. */
  readonly memory_bytes: number;
  /** What the JavaScript heap may grow to. */
  readonly heap_bytes: number;
}

/** @param memory_bytes as it was configured; absent: what the container or the machine has. */
export function processLimits(memory_bytes?: number): ProcessLimits {
  return {
    memory_bytes: Math.min(memory_bytes ?? Infinity, memoryLimit_bytes()),
    heap_bytes: getHeapStatistics().heap_size_limit,
  };
}

/** @param stateDir null where nothing is kept on disk. @returns a call that ends it. */
export function measureProcess(
  metrics: Metrics,
  clock: Clock,
  stateDir: string | null,
  { memory_bytes, heap_bytes }: ProcessLimits = processLimits(),
): () => void {
  metrics.gauge('millrace_memory_limit_bytes', {}).set(memory_bytes);
  metrics.gauge('millrace_heap_limit_bytes', {}).set(heap_bytes);
  const ends = [measureLoop(metrics, clock)];
  if (stateDir !== null) {
    const measure = (): void => void measureDisk(metrics, stateDir);
    measure();
    ends.push(clock.every(disk_ms, measure));
  }
  return () => {
    for (const end of ends) end();
  };
}

/** A container without a limit is told the largest number there is. */
function memoryLimit_bytes(): number {
  const constrained_bytes = process.constrainedMemory();
  return constrained_bytes > 0 ? Math.min(constrained_bytes, totalmem()) : totalmem();
}

function measureLoop(metrics: Metrics, clock: Clock): () => void {
  const delay = monitorEventLoopDelay({ resolution: resolution_ms });
  delay.enable();
  let before = performance.eventLoopUtilization();
  const stop = clock.every(loop_ms, () => {
    for (const [quantile, percentile] of Object.entries(quantiles)) {
      // It measures the whole interval of its own timer, which is no delay.
      const late_s = delay.percentile(percentile) / 1e9 - resolution_ms / 1000;
      metrics.gauge('millrace_event_loop_delay_seconds', { quantile }).set(Math.max(0, late_s));
    }
    delay.reset();
    const now = performance.eventLoopUtilization();
    metrics
      .gauge('millrace_event_loop_utilization_ratio', {})
      .set(performance.eventLoopUtilization(now, before).utilization);
    before = now;
  });
  return () => {
    stop();
    delay.disable();
  };
}

async function measureDisk(metrics: Metrics, dir: string): Promise<void> {
  try {
    const { bsize, blocks, bavail } = await statfs(dir);
    metrics.gauge('millrace_state_volume_bytes', {}).set(bsize * blocks);
    metrics.gauge('millrace_state_volume_free_bytes', {}).set(bsize * bavail);
    metrics.gauge('millrace_state_disk_bytes', {}).set(await sizeOf_bytes(dir));
  } catch {
    // Not there yet, or a file left while it was counted: the next look counts again.
  }
}

/** What the files take, as `du` counts. */
async function sizeOf_bytes(dir: string): Promise<number> {
  const entries = await readdir(dir, { withFileTypes: true, recursive: true });
  const files = entries.filter((entry) => entry.isFile());
  const sizes = await Promise.all(
    files.map(async ({ parentPath, name }) => (await lstat(join(parentPath, name))).blocks * 512),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
