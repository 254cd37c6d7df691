import type { Plan } from '../define/plan.ts';
import type { Log } from '../log/log.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { Tracer } from '../observability/tracer.ts';
import type { Clock } from '../time/clock.ts';
import type { StateCacheLimits } from './state-cache.ts';

/** What the runners of all three kinds of task are given. */
export interface RunnerOptions {
  readonly plan: Plan;
  /** Names topics and groups. */
  readonly application: string;
  readonly commitInterval_ms: number;
  /** Memory for the rows of first snapshots. Default 256 MiB. */
  readonly snapshot_bytes?: number;
  /** Memory for values that wait for the online store; beyond it consumption pauses. Default 64 MiB. */
  readonly pendingValues_bytes?: number;
  /** Changed keys and values that no commit holds yet; beyond it consumption pauses for one. Default: from the memory for states. */
  readonly uncommitted_changes?: number;
  /** Memory for the states of keys, about; beyond it those that were not used stay on disk only. Default ∞. */
  readonly stateCache_bytes?: number | StateCacheLimits;
  readonly log: Log;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Names this worker's lives on its disk, for its transactions: see the Log port. */
  readonly holder?: string;
  /** Absent: no row is traced. */
  readonly tracer?: Tracer;
  /** The runner cannot go on; the worker ends. */
  readonly failed: (error: Error) => void;
}
