/** Says how far restores are while they go on: in the log every few seconds, in metrics every second. */
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { Clock } from '../time/clock.ts';
import type { RestoringTask } from './restoring-task.ts';

const metrics_ms = 1000;
const logEvery = 5;

export interface RestoreReportOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** @returns ends it. */
export function reportRestore(
  { clock, logger, metrics }: RestoreReportOptions,
  tasks: readonly RestoringTask[],
): () => void {
  const started_ms = clock.monotonic_ms();
  let turns = 0;
  const labelsOf = ({ owned }: RestoringTask): { entity: string; partition: string } => ({
    entity: owned.entity.name,
    partition: String(owned.at.partition),
  });
  const measure = (): void => {
    for (const task of tasks) metrics.gauge('millrace_restore_records_left', labelsOf(task)).set(task.records_left);
  };
  const show = (): void => {
    measure();
    if (++turns % logEvery !== 0) return;
    const sum = (of: (task: RestoringTask) => number): number => tasks.reduce((total, task) => total + of(task), 0);
    const seconds = (clock.monotonic_ms() - started_ms) / 1000;
    const records = sum((task) => task.progress.records);
    logger.info(
      {
        partitions: tasks.length,
        records,
        records_left: sum(({ records_left }) => records_left),
        bytes: sum(({ bytes }) => bytes),
        records_per_s: Math.round(records / seconds),
      },
      'state is being restored',
    );
  };
  measure();
  const cancel = clock.every(metrics_ms, show);
  return () => {
    cancel();
    for (const task of tasks) metrics.remove('millrace_restore_records_left', labelsOf(task));
  };
}
