/** The state of a fleet, put together from what each worker exports. */
import type { MetricName } from '../observability/catalogue.ts';
import type { Sample } from './exposition.ts';

/** What a worker answered; `problem` says why there are no samples. */
export interface WorkerReading {
  readonly address: string;
  readonly samples: readonly Sample[];
  readonly problem: string | null;
}

export interface WorkerStatus {
  readonly address: string;
  readonly problem: string | null;
  readonly version: string | null;
  readonly tasks: Readonly<Record<string, number>>;
  readonly restoring: number;
  readonly stuck: number;
  readonly lag_records: number;
  readonly lag_seconds: number;
  readonly pending_values: number;
  readonly busy_ratio: number | null;
}

export interface KindStatus {
  readonly kind: string;
  readonly partitions: number;
  readonly owned: number;
  readonly lag_records: number;
  readonly lag_seconds: number;
}

export interface EntityStatus {
  readonly entity: string;
  readonly keys: number;
  readonly watermark_age_seconds: number | null;
  readonly clock_mark_age_seconds: number | null;
}

export interface ViewStatus {
  readonly view: string;
  /** Values that were brought online since the workers started. */
  readonly values: number;
  readonly freshness_p50_seconds: number | null;
  readonly freshness_p99_seconds: number | null;
}

export interface FleetStatus {
  readonly workers: readonly WorkerStatus[];
  readonly kinds: readonly KindStatus[];
  readonly entities: readonly EntityStatus[];
  readonly views: readonly ViewStatus[];
}

export function fleetStatus(readings: readonly WorkerReading[]): FleetStatus {
  const all = new Samples(readings.flatMap(({ samples }) => samples));
  return {
    workers: readings.map(workerStatus),
    kinds: all.labelValues('millrace_partitions', 'kind').map((kind) => kindStatus(all, kind)),
    entities: all.labelValues('millrace_state_keys', 'entity').map((entity) => ({
      entity,
      keys: all.sum('millrace_state_keys', { entity }),
      watermark_age_seconds: all.max('millrace_watermark_age_seconds', { entity }),
      clock_mark_age_seconds: all.max('millrace_clock_mark_age_seconds', { entity }),
    })),
    views: all.labelValues('millrace_freshness_seconds_bucket', 'view').map((view) => ({
      view,
      values: all.sum('millrace_freshness_seconds_count', { view }),
      freshness_p50_seconds: quantile(all.buckets('millrace_freshness_seconds_bucket', { view }), 0.5),
      freshness_p99_seconds: quantile(all.buckets('millrace_freshness_seconds_bucket', { view }), 0.99),
    })),
  };
}

function workerStatus({ address, samples, problem }: WorkerReading): WorkerStatus {
  const own = new Samples(samples);
  const kinds = own.labelValues('millrace_tasks_owned', 'kind');
  return {
    address,
    problem,
    version: own.labelValues('millrace_build_info', 'version')[0] ?? null,
    tasks: Object.fromEntries(kinds.map((kind) => [kind, own.sum('millrace_tasks_owned', { kind })])),
    restoring: own.sum('millrace_tasks_restoring', {}),
    stuck: own.sum('millrace_stuck_tasks', {}),
    lag_records: own.sum('millrace_lag_records', {}),
    lag_seconds: own.max('millrace_lag_seconds', {}) ?? 0,
    pending_values: own.sum('millrace_online_pending_values', {}),
    busy_ratio: own.max('millrace_event_loop_utilization_ratio', {}),
  };
}

function kindStatus(all: Samples, kind: string): KindStatus {
  return {
    kind,
    // Every worker knows the number; one that started before a topic grew may know a smaller one.
    partitions: all.max('millrace_partitions', { kind }) ?? 0,
    owned: all.sum('millrace_tasks_owned', { kind }),
    lag_records: all.sum('millrace_lag_records', { kind }),
    lag_seconds: all.max('millrace_lag_seconds', { kind }) ?? 0,
  };
}

type Series = MetricName | `${MetricName}_${'bucket' | 'count'}`;
type Labels = Readonly<Record<string, string>>;

class Samples {
  private readonly byName = new Map<string, Sample[]>();

  constructor(samples: readonly Sample[]) {
    for (const sample of samples) {
      const known = this.byName.get(sample.name);
      if (known === undefined) this.byName.set(sample.name, [sample]);
      else known.push(sample);
    }
  }

  labelValues(name: Series, label: string): string[] {
    const values = this.matching(name, {}).flatMap(({ labels }) => labels[label] ?? []);
    return [...new Set(values)].sort();
  }

  sum(name: Series, labels: Labels): number {
    return this.matching(name, labels).reduce((sum, { value }) => sum + value, 0);
  }

  max(name: Series, labels: Labels): number | null {
    const values = this.matching(name, labels).map(({ value }) => value);
    return values.length === 0 ? null : Math.max(...values);
  }

  /** Of a histogram, summed over all series: how many were at most so large. */
  buckets(name: Series, labels: Labels): ReadonlyMap<number, number> {
    const buckets = new Map<number, number>();
    for (const { labels: own, value } of this.matching(name, labels)) {
      const bound = own['le'] === '+Inf' ? Infinity : Number(own['le']);
      buckets.set(bound, (buckets.get(bound) ?? 0) + value);
    }
    return buckets;
  }

  private matching(name: Series, labels: Labels): readonly Sample[] {
    const wanted = Object.entries(labels);
    return (this.byName.get(name) ?? []).filter((sample) =>
      wanted.every(([key, value]) => sample.labels[key] === value),
    );
  }
}

/** As Prometheus' histogram_quantile: straight within a bucket; of the last, its lower bound. Null when nothing was observed. */
export function quantile(buckets: ReadonlyMap<number, number>, share: number): number | null {
  const bounds = [...buckets.keys()].sort((a, b) => a - b);
  const total = buckets.get(Infinity) ?? 0;
  if (total === 0) return null;
  const rank = share * total;
  let [lower, below] = [0, 0];
  for (const upper of bounds) {
    const reached = buckets.get(upper)!;
    if (reached >= rank) {
      if (upper === Infinity) return lower;
      return reached === below ? upper : lower + ((upper - lower) * (rank - below)) / (reached - below);
    }
    [lower, below] = [upper, reached];
  }
  return lower;
}
