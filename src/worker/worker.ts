/**
 * A worker: its share of the ingest, entity and offline tasks, from start to drain. Knows ports only; the composition root chooses
 * the adapters.
 */
import { FatalError } from '../errors.ts';
import type { ObjectStore } from '../offline/object-store.ts';
import type { OnlineStore } from '../online/online-store.ts';
import type { StateStore } from '../state/state-store.ts';
import { EntityRunner } from './entity-runner.ts';
import { IngestRunner } from './ingest-runner.ts';
import { OfflineRunner } from './offline-runner.ts';
import type { RestoreProgress } from './restoring-task.ts';
import type { StateSnapshots } from './snapshot-scheduler.ts';
import type { CopyLimits } from './state-copies.ts';
import type { RunnerOptions } from './runner-options.ts';
import type { ParquetEncoder } from '../offline/parquet-encoder.ts';
import type { FlushLimits } from '../offline/offline-task.ts';
import type { TaskProgress } from './task-progress.ts';
import { internalTopics } from './topics.ts';

export type Role = 'ingest' | 'entity' | 'offline';

export interface WorkerOptions extends Omit<RunnerOptions, 'failed'> {
  readonly roles: readonly Role[];
  readonly online: OnlineStore;
  readonly state: StateStore;
  /** Needed for the role `offline`, and for snapshots of state. */
  readonly objects: ObjectStore | null;
  /** How often each entity task has a snapshot in the object store, and restores use them; absent or 0: never. */
  readonly stateSnapshots?: { readonly interval_ms: number; readonly part_bytes?: number };
  /** Copies of the states of tasks that others serve: before the worker takes part, and while it runs. Absent: none. */
  readonly copies?: CopyLimits;
  readonly flush: FlushLimits;
  /** Makes the Parquet files. Absent: in this thread, while rows wait. */
  readonly encoder?: ParquetEncoder;
  /** Called once when the worker cannot go on; it is to be stopped then, and the process to end. */
  readonly failed: (error: Error) => void;
}

/**
 * The life of a worker. `starting` → `running` → `stopping` → `stopped`; `failed` can follow `starting` and `running` and leads
 * to `stopping`.
 */
export type WorkerState =
  /** Topics are checked, states of tasks copied that may come, groups joined. */
  | 'starting'
  /** Tasks are assigned and run. Ready once none of them restores. */
  | 'running'
  /** A runner cannot go on. Nothing more is committed than what was acknowledged. */
  | 'failed'
  /** No further reading; what was read is brought online and committed, the groups are left. */
  | 'stopping'
  | 'stopped';

export interface Readiness {
  readonly ready: boolean;
  /** Entity partitions whose state is not yet there. */
  readonly restoring: readonly string[];
  /** How far they are, of those whose turn has come. */
  readonly progress: readonly RestoreProgress[];
}

export class Worker {
  private readonly options: WorkerOptions;
  private readonly ingest: IngestRunner | null;
  private readonly entity: EntityRunner | null;
  private readonly offline: OfflineRunner | null;
  private current: WorkerState = 'starting';
  private stopping: Promise<void> | null = null;

  constructor(options: WorkerOptions) {
    this.options = options;
    const runner = { ...options, failed: this.fail };
    const has = (role: Role): boolean => options.roles.includes(role);
    this.ingest = has('ingest') ? new IngestRunner(runner) : null;
    this.entity = has('entity') ? new EntityRunner({ ...runner, snapshots: snapshotsOf(options) }) : null;
    if (has('offline') && options.objects === null)
      throw new FatalError('config-invalid', 'the role offline needs an object store');
    this.offline = has('offline') ? new OfflineRunner({ ...runner, objects: options.objects! }) : null;
  }

  private isStarting(): boolean {
    return this.current === 'starting';
  }

  get state(): WorkerState {
    return this.current;
  }

  /** Ready: started, and no entity task rebuilds its state. */
  get readiness(): Readiness {
    const restoring = this.entity?.restoring ?? [];
    const progress = this.entity?.restoreProgress ?? [];
    return { ready: this.current === 'running' && restoring.length === 0, restoring, progress };
  }

  /** Where its tasks stand; empty unless it runs. @throws MillraceError when the log gives no answer. */
  async progress(): Promise<readonly TaskProgress[]> {
    if (this.current !== 'running') return [];
    const runners = [this.ingest, this.entity, this.offline];
    return (await Promise.all(runners.map(async (runner) => (await runner?.progress()) ?? []))).flat();
  }

  /** Per topic, the time of the newest heartbeat of its connector, milliseconds. */
  heartbeats_ms(): ReadonlyMap<string, number> {
    return this.ingest?.heartbeats_ms() ?? new Map();
  }

  /** @throws MillraceError when the worker cannot start; it is stopped then. */
  async start(): Promise<void> {
    const { log, application, plan } = this.options;
    try {
      await log.ensureTopics(internalTopics(application, plan));
      await this.entity?.warmUp();
      if (!this.isStarting()) return;
      // Downstream first: what an earlier stage produces finds its reader.
      await this.offline?.start();
      await this.entity?.start();
      await this.ingest?.start();
    } catch (error) {
      await this.stop();
      throw error;
    }
    if (this.isStarting()) this.current = 'running';
  }

  /** Everything that is in the source topics now is online and in the object store. Polled by tests and the demo. */
  async settled(): Promise<boolean> {
    if (!((await this.ingest?.caughtUp()) ?? true)) return false;
    if (!((await this.entity?.caughtUp()) ?? true)) return false;
    await this.offline?.flush();
    return true;
  }

  /** Drains: upstream first, so that what was read still passes through. */
  stop(): Promise<void> {
    this.stopping ??= this.drain();
    return this.stopping;
  }

  private async drain(): Promise<void> {
    this.current = 'stopping';
    await this.ingest?.stop();
    await this.entity?.stop();
    await this.offline?.stop();
    this.current = 'stopped';
  }

  private readonly fail = (error: Error): void => {
    if (this.current !== 'starting' && this.current !== 'running') return;
    this.current = 'failed';
    this.options.failed(error);
  };
}

function snapshotsOf({ objects, stateSnapshots }: WorkerOptions): StateSnapshots | null {
  if (stateSnapshots === undefined || stateSnapshots.interval_ms === 0) return null;
  if (objects === null) throw new FatalError('config-invalid', 'snapshots of state need an object store');
  return { objects, ...stateSnapshots };
}
