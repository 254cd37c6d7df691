/** Latencies as a line of a table. */
import { build, type Histogram } from 'hdr-histogram-js';

/** Of a sample, in milliseconds. */
export interface Quantiles {
  readonly n: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

export const quantileHead = ['n', 'p50', 'p99', 'p99.9', 'max'] as const;

export function quantilesOf(latencies_ms: readonly number[]): Quantiles {
  const histogram: Histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: 600_000_000,
    numberOfSignificantValueDigits: 3,
  });
  for (const latency_ms of latencies_ms) histogram.recordValue(Math.max(1, Math.round(latency_ms * 1000)));
  const at = (percentile: number): number => histogram.getValueAtPercentile(percentile) / 1000;
  return { n: latencies_ms.length, p50: at(50), p99: at(99), p999: at(99.9), max: at(100) };
}

export function quantileCells({ n, p50, p99, p999, max }: Quantiles): string[] {
  const cell = (value_ms: number): string => (n === 0 ? '-' : value_ms.toFixed(2));
  return [n.toLocaleString('en-US'), cell(p50), cell(p99), cell(p999), cell(max)];
}
