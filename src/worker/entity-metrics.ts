/** Brings what an entity task counted to the metrics, now and then: the task itself is pure, and a frame is not the moment for it. */
import type { EntityTask } from '../entity/entity-task.ts';
import type { Fate } from '../entity/windows/series.ts';
import type { Counting, Metrics } from '../observability/metrics.ts';

type Fates = Readonly<Record<Fate, Counting>>;

export class EntityMetrics {
  private readonly task: EntityTask;
  private readonly metrics: Metrics;
  private readonly labels: { readonly entity: string; readonly partition: string };
  private readonly rows: Counting;
  private readonly duplicates: Counting;
  private readonly timers: Counting;
  private readonly overflows: Counting;
  private readonly insertions: Fates;
  private readonly retractions: Fates;

  constructor(task: EntityTask, partition: number, metrics: Metrics) {
    const entity = task.entity.name;
    this.task = task;
    this.metrics = metrics;
    this.labels = { entity, partition: String(partition) };
    metrics.gauge('millrace_restore_records_left', this.labels).set(0);
    this.rows = metrics.counter('millrace_rows_applied_total', { entity });
    this.duplicates = metrics.counter('millrace_rows_duplicate_total', { entity });
    this.timers = metrics.counter('millrace_timers_fired_total', { entity });
    this.overflows = metrics.counter('millrace_aggregate_overflows_total', { entity });
    this.insertions = fatesOf(metrics, entity, 'insertion');
    this.retractions = fatesOf(metrics, entity, 'retraction');
  }

  export(now_ms: number): void {
    this.metrics.gauge('millrace_state_keys', this.labels).set(this.task.size);
    const { clock_us, data_us } = this.task.marks;
    if (data_us !== -Infinity) {
      this.metrics.gauge('millrace_watermark_age_seconds', this.labels).set(now_ms / 1000 - data_us / 1e6);
    }
    if (clock_us !== -Infinity) {
      this.metrics.gauge('millrace_clock_mark_age_seconds', this.labels).set(now_ms / 1000 - clock_us / 1e6);
    }
    const counted = this.task.takeCounters();
    this.rows.add(counted.rows);
    this.duplicates.add(counted.duplicates);
    this.timers.add(counted.timers);
    this.overflows.add(counted.overflows);
    addFates(this.insertions, counted.insertions);
    addFates(this.retractions, counted.retractions);
  }

  /** The partition leaves: its gauges are another worker's now. */
  leave(now_ms: number): void {
    this.export(now_ms);
    this.metrics.remove('millrace_restore_records_left', this.labels);
    this.metrics.remove('millrace_state_keys', this.labels);
    this.metrics.remove('millrace_clock_mark_age_seconds', this.labels);
    this.metrics.remove('millrace_watermark_age_seconds', this.labels);
  }
}

function fatesOf(metrics: Metrics, entity: string, change: 'insertion' | 'retraction'): Fates {
  const of = (fate: Fate): Counting => metrics.counter('millrace_row_fates_total', { entity, change, fate });
  return {
    applied: of('applied'),
    held: of('held'),
    passed: of('passed'),
    late: of('late'),
    unmatched: of('unmatched'),
  };
}

function addFates(fates: Fates, counted: Readonly<Record<Fate, number>>): void {
  for (const fate of Object.keys(fates) as Fate[]) fates[fate].add(counted[fate]);
}
