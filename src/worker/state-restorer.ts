/**
 * Brings entity tasks back to where their last commit left them: the local store, then the changelog up to its end. protocol: commit,
 * restore, fences.
 */
import { EntityTask } from '../entity/entity-task.ts';
import { stateVersion } from '../entity/task-record.ts';
import { FatalError, MillraceError } from '../errors.ts';
import type { GroupConsumer, Log, LogReader, LogRecord } from '../log/log.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { ObjectStore } from '../offline/object-store.ts';
import { BatchedStateWriter } from '../state/batched-writer.ts';
import { unfinishedOffset } from '../state/snapshots/snapshot-reader.ts';
import type { StateCheckpoint, StateStore } from '../state/state-store.ts';
import { sleep, type Clock } from '../time/clock.ts';
import type { OwnedEntityPartition, RestoredTask } from './owned-entity-partition.ts';
import { partitionId } from './partition-id.ts';
import { reportRestore } from './restore-report.ts';
import { RestoringTask, type RestoreProgress } from './restoring-task.ts';
import { SnapshotRestore } from './snapshot-restore.ts';
import { loadTask } from './task-loading.ts';
import { tombstoneRetention_ms } from './topics.ts';
import { UndecidedTransactions } from './undecided-transactions.ts';

const look_ms = 5;
/** Of one batch of the changelog. */
const batch_records = 5000;

/**
 * For states that are brought into memory before their tasks run, and wait for that: to leave a key on disk costs half as much
 * (benchmarks/restore.ts). What is beyond comes when its rows do.
 */
const ahead_bytes = 64 * 1024 * 1024;

export interface StateRestorerOptions {
  readonly log: Log;
  readonly store: StateStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly failed: (error: Error) => void;
  /** For states in memory: what has no room stays on disk. */
  readonly room_bytes: () => number;
  /** Null: none are used. */
  readonly snapshots: ObjectStore | null;
}

export class StateRestorer {
  private readonly options: StateRestorerOptions;
  private reader: LogReader | null = null;
  private current: readonly RestoringTask[] = [];
  /** Of these, by changelog partition, whose changelog is read. */
  private reading: ReadonlyMap<string, RestoringTask> = new Map();
  private batches: BatchedStateWriter;
  private readonly snapshots: SnapshotRestore | null;
  private turn: Promise<unknown> = Promise.resolve();
  private stopped = false;

  constructor(options: StateRestorerOptions) {
    this.options = options;
    this.batches = new BatchedStateWriter(options.store);
    this.snapshots = options.snapshots && new SnapshotRestore({ ...options, objects: options.snapshots });
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

  async start(): Promise<void> {
    const { log, failed } = this.options;
    this.reader = await log.reader({ batch_records, batch: (records) => this.take(records), failed });
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.turn.catch(() => undefined);
    await this.reader?.close();
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
      this.batches = new BatchedStateWriter(this.options.store);
      await Promise.all(restoring.map((each) => this.begin(each)));
      await this.readTails(restoring);
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
  ): Promise<readonly RestoringTask[]> {
    const committed = await consumer.committed(partitions.map(({ at }) => at));
    const asked_ms = this.options.clock.now_ms();
    const ends = await this.reader!.highWaters(partitions.map(({ changelog }) => changelog));
    return partitions.map((owned, i) => new RestoringTask(owned, committed[i]?.offset ?? null, ends[i]!, asked_ms));
  }

  /** What is there already. */
  private async begin(restoring: RestoringTask): Promise<void> {
    const next = await this.reusable(restoring.owned, restoring.end);
    if (next === null) {
      const goesOn = (): boolean => !this.stopped && !restoring.owned.isReleased;
      await this.snapshots?.bring(restoring, this.batches, goesOn);
      return;
    }
    restoring.source = 'disk';
    restoring.next = next;
  }

  /** Where the changelog goes on behind what is on disk; null when that is nothing, or not to be used. */
  private async reusable(owned: OwnedEntityPartition, end: number): Promise<number | null> {
    const { store, clock } = this.options;
    const name = owned.taskName;
    let why: string;
    try {
      const checkpoint = await store.checkpoint(name);
      if (checkpoint === null) return null;
      const { changelogOffset, written_ms, definition } = checkpoint;
      const age_ms = clock.now_ms() - written_ms;
      if (definition !== stateVersion(owned.entity)) why = 'another version of the definition wrote it';
      else if (changelogOffset === unfinishedOffset) why = 'a snapshot had not come in whole';
      else if (changelogOffset >= end)
        why = `it is ahead of the changelog, which ends at ${end}: was the topic made anew?`;
      else if (age_ms > tombstoneRetention_ms / 2)
        why = `it is ${Math.round(age_ms / 3_600_000)} hours old: removals may be gone`;
      else return changelogOffset + 1;
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      why = error.message;
    }
    await this.wipe(name, why);
    return null;
  }

  private async wipe(name: string, why: string): Promise<void> {
    const { store, logger, metrics } = this.options;
    logger.warn({ task: name }, `the state on disk is not used and wiped: ${why}`);
    metrics.counter('millrace_state_wiped_total', {}).add(1);
    await store.clear(name);
  }

  private async readTails(restoring: readonly RestoringTask[]): Promise<void> {
    const waiting = restoring.filter(({ next, end }) => next < end);
    if (waiting.length === 0) {
      await this.batches.flush();
      return;
    }
    this.reading = new Map(waiting.map((each) => [each.name, each]));
    for (const each of waiting) each.stage = 'changelog';
    await this.reader!.assign(waiting.map(({ owned, next }) => ({ ...owned.changelog, offset: next })));
    const isThere = ({ owned, end }: RestoringTask): boolean =>
      owned.isReleased || (this.reader!.position(owned.changelog) ?? 0) >= end;
    const undecided = new UndecidedTransactions({ ...this.options, reader: this.reader! });
    for (;;) {
      const left = waiting.filter((each) => !isThere(each));
      if (this.stopped || left.length === 0) break;
      undecided.look(left.map(({ owned, end }) => ({ ...owned.changelog, end })));
      await sleep(this.options.clock, look_ms);
    }
    // A batch that is handed on ends before.
    await this.reader!.assign([]);
    this.reading = new Map();
    await this.complete(waiting);
    await this.batches.flush();
  }

  private async take(records: readonly LogRecord[]): Promise<void> {
    const byTask = new Map<RestoringTask, LogRecord[]>();
    for (const record of records) {
      const each = this.reading.get(partitionId(record));
      if (each === undefined || each.owned.isReleased) continue;
      const own = byTask.get(each) ?? [];
      byTask.set(each, own);
      own.push(record);
    }
    const writes = [...byTask].map(([each, own]) => {
      const last = own.at(-1)!;
      this.count(each, own);
      const entries = own.map(({ key, value }) => ({ key: key!, value }));
      // No younger than its last record: were it left half done for a week, removals behind that might be gone.
      return { task: each.name, entries, checkpoint: this.checkpointOf(each, last.timestamp_ms) };
    });
    await this.batches.add(writes);
  }

  private count(each: RestoringTask, own: readonly LogRecord[]): void {
    const { metrics } = this.options;
    const bytes = own.reduce((sum, { key, value }) => sum + key!.length + (value?.length ?? 0), 0);
    each.next = own.at(-1)!.offset + 1;
    each.records += own.length;
    each.bytes += bytes;
    metrics.counter('millrace_restored_records_total', {}).add(own.length);
    metrics.counter('millrace_restored_bytes_total', {}).add(bytes);
  }

  /** What has reached the end is as new as the question for it. */
  private async complete(restoring: readonly RestoringTask[]): Promise<void> {
    const read = restoring.filter(({ owned, records }) => records > 0 && !owned.isReleased);
    if (this.stopped) return;
    await this.batches.add(
      read.map((each) => ({ task: each.name, entries: [], checkpoint: this.checkpointOf(each, each.asked_ms) })),
    );
  }

  private checkpointOf({ owned, next }: RestoringTask, written_ms: number): StateCheckpoint {
    return { changelogOffset: next - 1, written_ms, definition: stateVersion(owned.entity) };
  }

  private async load(
    { owned, name, committed }: RestoringTask,
    consumer: GroupConsumer,
    room_bytes: number,
  ): Promise<RestoredTask | 'again'> {
    const { store } = this.options;
    let restored: RestoredTask | null;
    try {
      restored = await loadTask(store, name, owned.entity, room_bytes);
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      await this.wipe(name, error.message);
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

  private report({ owned, source, records }: RestoringTask, { task, position }: RestoredTask, took_ms: number): void {
    const { logger, metrics } = this.options;
    const from = source === 'changelog' && records === 0 ? 'nothing' : source;
    metrics.counter('millrace_restores_total', { from }).add(1);
    logger.info(
      { partition: partitionId(owned.at), from, changelog_records: records, keys: task.size, position, took_ms },
      source === 'disk' ? 'state on disk reused, the rest read from the changelog' : 'state restored',
    );
  }
}

const isUnreadable = (error: unknown): error is MillraceError =>
  error instanceof MillraceError && error.code === 'state-unreadable';

function differs(owned: OwnedEntityPartition, position: number | null, committed: number | null): FatalError {
  const say = (offset: number | null): string => (offset === null ? 'none' : String(offset));
  return new FatalError(
    'state-mismatch',
    `${partitionId(owned.at)}: the state stands at position ${say(position)}, the committed offset of the group is ${say(committed)}. ` +
      'They are written together: were offsets reset or expired, a topic deleted, or a transaction cut in two by a broker without replicas ' +
      'that restarted in its middle? Raise the generation of the entity to rebuild it',
  );
}
