/**
 * Looks every few seconds where the tasks stand: lag for the metrics, and for the liveness probe whether one of them stands still
 * without a reason. A task that restores, waits for a store, or has nothing to read, is never called stuck; nor is any while the log
 * gives no answer, since a restart would not bring it back.
 */
import { messageOf } from '../errors.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { Clock } from '../time/clock.ts';
import { partitionId } from '../log/partition-id.ts';
import { Repeater } from './repeater.ts';
import type { TaskKind, TaskProgress } from './task-progress.ts';

const look_ms = 5000;
/** With the look and three probes in 15 s, a loop that hangs is found within a minute. */
const stuckAfter_ms = 30_000;
const kinds: readonly TaskKind[] = ['ingest', 'entity', 'offline'];

export interface ProgressMonitorOptions {
  readonly worker: {
    progress(): Promise<readonly TaskProgress[]>;
    heartbeats_ms(): ReadonlyMap<string, number>;
  };
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

interface Standing {
  readonly position: number;
  readonly since_ms: number;
}

export class ProgressMonitor {
  private readonly options: ProgressMonitorOptions;
  private readonly repeater: Repeater;
  private standing = new Map<string, Standing>();
  private exported = new Map<string, TaskProgress>();
  private stuckTasks: readonly string[] = [];

  constructor(options: ProgressMonitorOptions) {
    this.options = options;
    this.repeater = new Repeater(
      options.clock,
      look_ms,
      () => this.look(),
      (error) => {
        this.standing = new Map();
        this.report([]);
        options.logger.warn({ error: messageOf(error) }, 'cannot ask where the logs end; lag is not known');
      },
    );
  }

  /** Tasks that stand still without a reason, as `kind topic/partition`. */
  get stuck(): readonly string[] {
    return this.stuckTasks;
  }

  stop(): Promise<void> {
    return this.repeater.stop();
  }

  private async look(): Promise<void> {
    const { worker, clock, metrics } = this.options;
    const now_ms = clock.now_ms();
    for (const [topic, newest_ms] of worker.heartbeats_ms()) {
      metrics.gauge('millrace_heartbeat_age_seconds', { topic }).set(Math.max(0, now_ms - newest_ms) / 1000);
    }
    const tasks = await worker.progress();
    this.exportLag(tasks, clock.now_ms());
    this.findStuck(tasks, clock.monotonic_ms());
  }

  private exportLag(tasks: readonly TaskProgress[], now_ms: number): void {
    const { metrics } = this.options;
    const left = this.exported;
    this.exported = new Map(tasks.map((task) => [idOf(task), task]));
    for (const [id, task] of left) {
      if (this.exported.has(id)) continue;
      metrics.remove('millrace_lag_records', labelsOf(task));
      metrics.remove('millrace_lag_seconds', labelsOf(task));
    }
    for (const task of tasks) {
      const records = Math.max(0, task.end - task.position);
      const age_ms = records === 0 ? 0 : Math.max(0, now_ms - task.reached_ms);
      metrics.gauge('millrace_lag_records', labelsOf(task)).set(records);
      metrics.gauge('millrace_lag_seconds', labelsOf(task)).set(age_ms / 1000);
    }
  }

  private findStuck(tasks: readonly TaskProgress[], now_ms: number): void {
    const before = this.standing;
    this.standing = new Map();
    const stuck: TaskProgress[] = [];
    for (const task of tasks) {
      if (task.waitsFor !== null || task.position >= task.end) continue;
      const known = before.get(idOf(task));
      const standing = known?.position === task.position ? known : { position: task.position, since_ms: now_ms };
      this.standing.set(idOf(task), standing);
      if (now_ms - standing.since_ms >= stuckAfter_ms) stuck.push(task);
    }
    this.report(stuck);
  }

  private report(stuck: readonly TaskProgress[]): void {
    const { logger, metrics } = this.options;
    const found = stuck.map(idOf);
    const added = found.filter((id) => !this.stuckTasks.includes(id));
    if (added.length > 0) logger.error({ tasks: added }, 'tasks stand still without a reason; the worker is not live');
    this.stuckTasks = found;
    for (const kind of kinds) {
      metrics.gauge('millrace_stuck_tasks', { kind }).set(stuck.filter((task) => task.kind === kind).length);
    }
  }
}

const idOf = ({ kind, at }: TaskProgress): string => `${kind} ${partitionId(at)}`;
const labelsOf = ({ kind, at }: TaskProgress): { kind: TaskKind; topic: string; partition: string } => ({
  kind,
  topic: at.topic,
  partition: String(at.partition),
});
