import type { Metrics } from '../observability/metrics.ts';
import type { TaskKind } from './task-progress.ts';

/** Partitions of a group changed hands. */
export function countRebalance(metrics: Metrics, kind: TaskKind, event: 'assigned' | 'revoked' | 'lost'): void {
  metrics.counter('millrace_rebalances_total', { kind, event }).add(1);
}
