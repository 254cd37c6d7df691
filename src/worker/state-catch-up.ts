/**
 * Brings tasks' entries to the local store, up to where their changelogs end: what is on disk, else a snapshot, then the changelog.
 * protocol: commit, restore, fences.
 */
import { stateVersion } from '../entity/task-record.ts';
import { MillraceError } from '../errors.ts';
import type { Log, LogReader, LogRecord, TopicPartition } from '../log/log.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { ObjectStore } from '../offline/object-store.ts';
import { BatchedStateWriter } from '../state/batched-writer.ts';
import { unfinishedOffset } from '../state/snapshots/snapshot-reader.ts';
import type { StateCheckpoint, StateStore } from '../state/state-store.ts';
import { sleep, type Clock } from '../time/clock.ts';
import { partitionId } from '../log/partition-id.ts';
import type { RestoringTask, StateOwner } from './restoring-task.ts';
import { SnapshotRestore } from './snapshot-restore.ts';
import { clearTask, hasAllTimers, TimersBeside } from './stored-timers.ts';
import { tombstoneRetention_ms } from './topics.ts';
import { UndecidedTransactions } from './undecided-transactions.ts';

const look_ms = 5;
/** Of one batch of the changelog. */
const batch_records = 5000;

export interface StateCatchUpOptions {
  readonly log: Log;
  readonly store: StateStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly failed: (error: Error) => void;
  /** Null: none are used. */
  readonly snapshots: ObjectStore | null;
}

export class StateCatchUp {
  private readonly options: StateCatchUpOptions;
  private reader: LogReader | null = null;
  /** By changelog partition. */
  private reading: ReadonlyMap<string, RestoringTask> = new Map();
  private batches: BatchedStateWriter;
  private readonly snapshots: SnapshotRestore | null;
  private stopped = false;

  constructor(options: StateCatchUpOptions) {
    this.options = options;
    this.batches = new BatchedStateWriter(options.store);
    this.snapshots = options.snapshots && new SnapshotRestore({ ...options, objects: options.snapshots });
  }

  async start(): Promise<void> {
    const { log, failed } = this.options;
    this.reader = await log.reader({ batch_records, batch: (records) => this.take(records), failed });
  }

  /** What is under way ends early. */
  giveUp(): void {
    this.stopped = true;
  }

  /** Nothing is to be under way. */
  async close(): Promise<void> {
    await this.reader?.close();
  }

  /** Where changelogs end: all that is committed stands below. */
  ends(changelogs: readonly TopicPartition[]): Promise<readonly number[]> {
    return this.reader!.highWaters(changelogs);
  }

  /** All at once; one that is released meanwhile ends early. Calls are not to overlap. */
  async bring(tasks: readonly RestoringTask[]): Promise<void> {
    const timers = new TimersBeside();
    this.batches = new BatchedStateWriter(this.options.store, (write) => timers.of(write));
    await Promise.all(tasks.map((each) => this.begin(each, timers)));
    await this.readTails(tasks);
  }

  /** What is there already. */
  private async begin(restoring: RestoringTask, timers: TimersBeside): Promise<void> {
    const { store } = this.options;
    const next = await this.reusable(restoring.owned, restoring.end);
    if (next === null || (await hasAllTimers(store, restoring.name))) timers.follow(restoring.name);
    if (next === null) {
      const goesOn = (): boolean => !this.stopped && !restoring.owned.isReleased;
      await this.snapshots?.bring(restoring, this.batches, goesOn);
      return;
    }
    restoring.source = 'disk';
    restoring.next = next;
  }

  /** Where the changelog goes on behind what is on disk; null when that is nothing, or not to be used. */
  private async reusable(owned: StateOwner, end: number): Promise<number | null> {
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

  /** The store is to hold nothing of a task. */
  async wipe(name: string, why: string): Promise<void> {
    const { store, logger, metrics } = this.options;
    logger.warn({ task: name }, `the state on disk is not used and wiped: ${why}`);
    metrics.counter('millrace_state_wiped_total', {}).add(1);
    await clearTask(store, name);
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
}

export const isUnreadable = (error: unknown): error is MillraceError =>
  error instanceof MillraceError && error.code === 'state-unreadable';
