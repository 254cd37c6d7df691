/** What the worker counts of itself, between two readings. */
import type { WorkerProcess } from '../../test/support/worker-process.ts';
import type { Quantiles } from './quantiles.ts';

export interface WorkerFigures {
  readonly cpu_s: number;
  readonly timers: number;
  /** Calls of the online store so far, by the upper bound of their length in seconds; cumulative. */
  readonly calls: ReadonlyMap<number, number>;
}

export async function readFigures(worker: WorkerProcess): Promise<WorkerFigures> {
  const buckets = await worker.metric('millrace_online_write_seconds_bucket');
  return {
    cpu_s: await worker.total('process_cpu_seconds_total'),
    timers: await worker.total('millrace_timers_fired_total'),
    calls: new Map([...buckets].map(([label, n]) => [boundOf(label), n])),
  };
}

const boundOf = (label: string): number => {
  const bound = /le="([^"]+)"/.exec(label)![1]!;
  return bound === '+Inf' ? Infinity : Number(bound);
};

/** Calls of the online store between two readings, as fine as the buckets are: within one, calls are taken to lie evenly. */
export function callQuantiles(before: WorkerFigures, after: WorkerFigures): Quantiles {
  const bounds = [...after.calls.keys()].sort((a, b) => a - b);
  const counts = bounds.map((bound) => after.calls.get(bound)! - (before.calls.get(bound) ?? 0));
  const n = counts.at(-1) ?? 0;
  const at = (share: number): number => {
    const rank = share * n;
    const i = counts.findIndex((count) => count >= rank && count > 0);
    if (i === -1) return 0;
    const [lower, below] = i === 0 ? [0, 0] : [bounds[i - 1]!, counts[i - 1]!];
    const within = counts[i]! === below ? 1 : (rank - below) / (counts[i]! - below);
    return (lower + (Math.min(bounds[i]!, 1e6) - lower) * within) * 1000;
  };
  return { n, p50: at(0.5), p99: at(0.99), p999: at(0.999), max: at(1) };
}
