/**
 * Commits entity tasks while frames go on being applied: the state as of one position is taken at once; when the online store has
 * acknowledged everything up to it, one transaction carries changelog, feature log and offsets, and then one write the local state.
 * protocol: commit, restore, fences.
 */
import { stateVersion } from '../entity/task-record.ts';
import { messageOf } from '../errors.ts';
import type { Append, GroupConsumer, Transactor } from '../log/log.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { StateStore, TaskWrite } from '../state/state-store.ts';
import type { Clock } from '../time/clock.ts';
import type { EntityTraces } from './entity-traces.ts';
import type { OnlineWriter } from './online-writer.ts';
import type { OwnedEntityPartition, TaskCommit } from './owned-entity-partition.ts';
import { notesWrite } from './stored-timers.ts';
import { untilDiskAnswers } from './until-disk-answers.ts';

export interface EntityCommitterOptions {
  readonly consumer: GroupConsumer;
  readonly transactor: Transactor;
  readonly store: StateStore;
  readonly writer: OnlineWriter;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Null: no row is traced. */
  readonly traces: EntityTraces | null;
  /** What was committed is on disk. */
  readonly stored: () => void;
  /** What these tasks had taken is lost to them: only what is committed counts. */
  readonly rolledBack: (partitions: readonly OwnedEntityPartition[]) => void;
}

/** A commit and the entries that it writes into the changelog, the task record last. */
interface Prepared extends TaskCommit {
  readonly entries: TaskWrite['entries'];
  /** Where the task record stands among the records of the transaction. */
  readonly recordIndex: number;
}

export class EntityCommitter {
  private readonly options: EntityCommitterOptions;
  private committing: Promise<void> = Promise.resolve();
  private transacting: Promise<void> = Promise.resolve();
  private stopped = false;

  constructor(options: EntityCommitterOptions) {
    this.options = options;
  }

  /** Resolves when no commit is under way. */
  get idle(): Promise<void> {
    return this.committing.catch(() => undefined);
  }

  /** Resolves when nothing of a commit is on its way to the log or to disk. */
  get written(): Promise<void> {
    return this.transacting.catch(() => undefined);
  }

  /** Calls run one after another. @throws MillraceError when it failed; the tasks were told. */
  commit(partitions: readonly OwnedEntityPartition[]): Promise<void> {
    this.committing = this.idle.then(() => this.commitNow(partitions));
    return this.committing;
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.idle;
    await this.options.transactor.close();
  }

  private async commitNow(partitions: readonly OwnedEntityPartition[]): Promise<void> {
    const taken = partitions.flatMap((owned) => owned.takeCommit() ?? []);
    if (taken.length === 0) return;
    const { metrics, clock, logger, traces } = this.options;
    const committed = traces?.beginCommit(taken);
    const started_ms = clock.monotonic_ms();
    try {
      await this.options.writer.settle();
      this.transacting = this.transact(taken.filter(({ owned }) => !owned.isReleased));
      await this.transacting;
      committed?.(null);
      metrics.counter('millrace_commits_total', { kind: 'entity', result: 'committed' }).add(1);
      metrics.histogram('millrace_commit_seconds', {}).observe((clock.monotonic_ms() - started_ms) / 1000);
    } catch (error) {
      committed?.(error);
      metrics.counter('millrace_commits_total', { kind: 'entity', result: 'failed' }).add(1);
      logger.warn({ group: 'entity', error: messageOf(error) }, 'not committed; its tasks go back to what is');
      this.options.rolledBack(taken.map(({ owned }) => owned));
      throw error;
    }
  }

  private async transact(taken: readonly TaskCommit[]): Promise<void> {
    if (taken.length === 0) return;
    const { consumer, transactor, metrics } = this.options;
    const records: Append[] = [];
    const prepared = taken.map((commit) => this.prepare(commit, records));
    const offsets = await transactor.commit(
      consumer,
      records,
      taken.map(({ owned, position }) => ({ ...owned.at, offset: position })),
    );
    for (const commit of taken) commit.owned.commitMade(commit);
    metrics
      .counter('millrace_changelog_records_total', {})
      .add(prepared.reduce((n, { entries }) => n + entries.length, 0));
    await this.write(prepared.flatMap((each) => this.writesOf(each, offsets[each.recordIndex]!)));
    for (const { owned, taken: number } of taken) owned.task?.residency.stored(number);
    this.options.stored();
  }

  private prepare(commit: TaskCommit, records: Append[]): Prepared {
    const { owned, position, changes } = commit;
    const features = owned.takeFeatureFrames(position);
    records.push(...features.records);
    this.options.metrics.counter('millrace_feature_log_rows_total', { entity: owned.entity.name }).add(features.rows);
    const entries = [...changes, commit.record(owned.canary.acknowledged)];
    const { topic, partition } = owned.changelog;
    for (const { key, value } of entries) records.push({ topic, partition, key, value });
    return { ...commit, entries, recordIndex: records.length - 1 };
  }

  private writesOf({ owned, entries, notes }: Prepared, changelogOffset: number): TaskWrite[] {
    const { taskName: task, entity } = owned;
    const checkpoint = { changelogOffset, written_ms: this.options.clock.now_ms(), definition: stateVersion(entity) };
    const own = { task, entries, checkpoint };
    return notes === null ? [own] : [own, notesWrite(task, notes)];
  }

  /** The commit is made: what the disk refuses now is written before the next one, which waits. */
  private async write(writes: readonly TaskWrite[]): Promise<void> {
    const { store, clock, logger, metrics } = this.options;
    const write = async (): Promise<void> => {
      const started_ms = clock.monotonic_ms();
      await store.write(writes);
      metrics.histogram('millrace_state_write_seconds', {}).observe((clock.monotonic_ms() - started_ms) / 1000);
    };
    const refused = 'the state was not written to disk';
    await untilDiskAnswers(write, { clock, logger, refused, isStopped: () => this.stopped });
  }
}
