/** From commit to readable, whole and by stage, of values that a streamed row caused. */
import type { ViewPlan } from '../define/plan.ts';
import type { Emission } from '../entity/entity-task.ts';
import type { Metrics, Observing } from '../observability/metrics.ts';

export class FreshnessMetrics {
  private readonly metrics: Metrics;
  private readonly views = new Map<ViewPlan, Observing>();
  private readonly source: Observing;
  private readonly engine: Observing;

  constructor(metrics: Metrics) {
    this.metrics = metrics;
    this.source = metrics.histogram('millrace_stage_seconds', { stage: 'source' });
    this.engine = metrics.histogram('millrace_stage_seconds', { stage: 'engine' });
  }

  observe({ cause, view }: Emission, visibleAt_us: number): void {
    if (cause === null || cause.operation === 'r') return;
    const ingest_us = cause.ingest_ms * 1000;
    this.seriesOf(view).observe(Math.max(0, visibleAt_us - cause.commit_us) / 1e6);
    this.source.observe(Math.max(0, ingest_us - cause.commit_us) / 1e6);
    this.engine.observe(Math.max(0, visibleAt_us - ingest_us) / 1e6);
  }

  private seriesOf(view: ViewPlan): Observing {
    let series = this.views.get(view);
    if (series === undefined) {
      series = this.metrics.histogram('millrace_freshness_seconds', { view: view.name });
      this.views.set(view, series);
    }
    return series;
  }
}
