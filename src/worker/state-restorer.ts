/** Brings entity tasks back to where their last commit left them. protocol: commit, restore, fences. */
import { EntityTask } from '../entity/entity-task.ts';
import { FatalError } from '../errors.ts';
import type { GroupConsumer } from '../log/log.ts';
import type { OwnedEntityPartition, RestoredTask } from './owned-entity-partition.ts';
import { partitionId } from '../log/partition-id.ts';
import { reportRestore } from './restore-report.ts';
import { RestoringTask, type RestoreProgress } from './restoring-task.ts';
import { isUnreadable, StateCatchUp, type StateCatchUpOptions } from './state-catch-up.ts';
import { loadTask } from './task-loading.ts';

/** For states that are brought into memory before their tasks run, and wait for that. Of a task with more none is: they come when their rows do. */
const ahead_bytes = 64 * 1024 * 1024;

export interface StateRestorerOptions extends StateCatchUpOptions {
  /** For states in memory: what has no room stays on disk. */
  readonly room_bytes: () => number;
}

type Restoring = RestoringTask<OwnedEntityPartition>;

export class StateRestorer {
  private readonly options: StateRestorerOptions;
  private readonly catchUp: StateCatchUp;
  private current: readonly Restoring[] = [];
  private turn: Promise<unknown> = Promise.resolve();
  private stopped = false;

  constructor(options: StateRestorerOptions) {
    this.options = options;
    this.catchUp = new StateCatchUp(options);
  }

  /** Of all that restore now. */
  get progress(): readonly RestoreProgress[] {
    return this.current.filter(({ owned }) => owned.isRestoring).map(({ progress }) => progress);
  }

  /** Records that are still to be read, over all tasks. */
  get remaining(): number {
    const left = this.current.filter(({ owned }) => owned.isRestoring);
    return left.reduce((sum, { records_left }) => sum + records_left, 0);
  }

  start(): Promise<void> {
    return this.catchUp.start();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.catchUp.giveUp();
    await this.turn.catch(() => undefined);
    await this.catchUp.close();
  }

  /**
   * The tasks of these partitions, all at once. One that is released meanwhile is left out.
   * @throws FatalError `state-mismatch` when the group's committed offset is not where the state stands.
   */
  restore(
    partitions: readonly OwnedEntityPartition[],
    consumer: GroupConsumer,
  ): Promise<ReadonlyMap<OwnedEntityPartition, RestoredTask>> {
    const result = this.turn.then(() => this.restoreNow(partitions, consumer));
    this.turn = result.catch(() => undefined);
    return result;
  }

  private async restoreNow(
    partitions: readonly OwnedEntityPartition[],
    consumer: GroupConsumer,
  ): Promise<ReadonlyMap<OwnedEntityPartition, RestoredTask>> {
    const { clock, metrics } = this.options;
    const started_ms = clock.monotonic_ms();
    const restoring = await this.prepare(partitions, consumer);
    this.current = restoring;
    const reported = reportRestore(this.options, restoring);
    const restored = new Map<OwnedEntityPartition, RestoredTask>();
    try {
      await this.catchUp.bring(restoring);
      let room_bytes = Math.min(this.options.room_bytes(), ahead_bytes);
      for (const [i, each] of restoring.entries()) {
        if (this.stopped || each.owned.isReleased) continue;
        each.stage = 'loading';
        const task = await this.load(each, consumer, room_bytes / (restoring.length - i));
        if (task === 'again') continue;
        room_bytes -= task.task.residency.resident_bytes;
        restored.set(each.owned, task);
        this.report(each, task, clock.monotonic_ms() - started_ms);
      }
    } finally {
      reported();
      this.current = [];
    }
    metrics.histogram('millrace_restore_seconds', {}).observe((clock.monotonic_ms() - started_ms) / 1000);
    const again = restoring.map(({ owned }) => owned).filter((owned) => !owned.isReleased && !restored.has(owned));
    if (again.length === 0 || this.stopped) return restored;
    return new Map([...restored, ...(await this.restoreNow(again, consumer))]);
  }

  /** First what the group has committed, once no transaction can change it; then how far the changelog goes. */
  private async prepare(
    partitions: readonly OwnedEntityPartition[],
    consumer: GroupConsumer,
  ): Promise<readonly Restoring[]> {
    const committed = await consumer.committed(partitions.map(({ at }) => at));
    const asked_ms = this.options.clock.now_ms();
    const ends = await this.catchUp.ends(partitions.map(({ changelog }) => changelog));
    return partitions.map((owned, i) => new RestoringTask(owned, ends[i]!, asked_ms, committed[i]?.offset ?? null));
  }

  private async load(
    { owned, name, committed }: Restoring,
    consumer: GroupConsumer,
    room_bytes: number,
  ): Promise<RestoredTask | 'again'> {
    const { store } = this.options;
    let restored: RestoredTask | null;
    try {
      restored = await loadTask(store, name, owned.entity, room_bytes);
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      await this.catchUp.wipe(name, error.message);
      return 'again';
    }
    const position = restored?.position ?? null;
    if (position !== committed) {
      // Somebody else commits: the partition has another owner, of which this worker has not heard yet.
      const [now] = await consumer.committed([owned.at]);
      if ((now?.offset ?? null) !== committed) return 'again';
      throw differs(owned, position, committed);
    }
    return restored ?? { task: new EntityTask(owned.entity), position: -1, published: -1 };
  }

  private report({ owned, source, records }: Restoring, { task, position }: RestoredTask, took_ms: number): void {
    const { logger, metrics } = this.options;
    const from = source === 'changelog' && records === 0 ? 'nothing' : source;
    metrics.counter('millrace_restores_total', { from }).add(1);
    logger.info(
      { partition: partitionId(owned.at), from, changelog_records: records, keys: task.size, position, took_ms },
      source === 'disk' ? 'state on disk reused, the rest read from the changelog' : 'state restored',
    );
  }
}

function differs(owned: OwnedEntityPartition, position: number | null, committed: number | null): FatalError {
  const say = (offset: number | null): string => (offset === null ? 'none' : String(offset));
  return new FatalError(
    'state-mismatch',
    `${partitionId(owned.at)}: the state stands at position ${say(position)}, the committed offset of the group is ${say(committed)}. ` +
      'They are written together: were offsets reset or expired, a topic deleted, or a transaction cut in two by a broker without replicas ' +
      'that restarted in its middle? Raise the generation of the entity to rebuild it',
  );
}
