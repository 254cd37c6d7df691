/**
 * Brings entity tasks back to where their last commit left them: the local store, then the changelog up to its end. protocol: commit,
 * restore, fences.
 */
import { EntityTask } from '../entity/entity-task.ts';
import { taskRecordKey } from '../entity/state-key.ts';
import { decodeTaskRecord, stateVersion } from '../entity/task-record.ts';
import { FatalError, MillraceError } from '../errors.ts';
import type { GroupConsumer, Log, LogReader, LogRecord } from '../log/log.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { StateStore } from '../state/state-store.ts';
import { sleep, type Clock } from '../time/clock.ts';
import type { OwnedEntityPartition, RestoredTask } from './owned-entity-partition.ts';
import { partitionId } from './partition-id.ts';
import { tombstoneRetention_ms } from './topics.ts';

const look_ms = 5;

export interface StateRestorerOptions {
  readonly log: Log;
  readonly store: StateStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly failed: (error: Error) => void;
}

/** A partition on its way back. */
interface Restoring {
  readonly owned: OwnedEntityPartition;
  readonly name: string;
  /** The entity group's committed offset, null before the first commit. */
  readonly committed: number | null;
  readonly end: number;
  /** The first changelog offset that the local store lacks. */
  readonly from: number;
  readonly isReused: boolean;
  records: number;
}

export class StateRestorer {
  private readonly options: StateRestorerOptions;
  private reader: LogReader | null = null;
  private restoring: ReadonlyMap<string, Restoring> = new Map();
  private turn: Promise<unknown> = Promise.resolve();
  private stopped = false;

  constructor(options: StateRestorerOptions) {
    this.options = options;
  }

  /** Changelog records that are still to be read. */
  get remaining(): number {
    const left = [...this.restoring.values()].filter(({ owned }) => !owned.isReleased);
    return left.reduce((sum, { owned, from, end }) => {
      const position = this.reader!.position(owned.changelog) ?? from;
      return sum + Math.max(0, end - position);
    }, 0);
  }

  async start(): Promise<void> {
    const { log, failed } = this.options;
    this.reader = await log.reader({ batch: (records) => this.take(records), failed });
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
    await this.readTails(restoring);
    const restored = new Map<OwnedEntityPartition, RestoredTask>();
    for (const each of restoring) {
      if (this.stopped || each.owned.isReleased) continue;
      const task = await this.load(each, consumer);
      if (task === 'again') continue;
      restored.set(each.owned, task);
      this.report(each, task, clock.monotonic_ms() - started_ms);
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
    const ends = await this.reader!.highWaters(partitions.map(({ changelog }) => changelog));
    return Promise.all(
      partitions.map(async (owned, i) => {
        const from = await this.reusable(owned, ends[i]!);
        return {
          owned,
          name: owned.taskName,
          committed: committed[i]?.offset ?? null,
          end: ends[i]!,
          from: from ?? 0,
          isReused: from !== null,
          records: 0,
        };
      }),
    );
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

  private async readTails(restoring: readonly Restoring[]): Promise<void> {
    const waiting = restoring.filter(({ from, end }) => from < end);
    if (waiting.length === 0) return;
    this.restoring = new Map(waiting.map((each) => [each.name, each]));
    const beginnings = waiting.map(({ owned, from }) => ({ ...owned.changelog, offset: from }));
    await this.reader!.assign(beginnings);
    const isThere = ({ owned, end }: Restoring): boolean =>
      owned.isReleased || (this.reader!.position(owned.changelog) ?? 0) >= end;
    while (!this.stopped && !waiting.every(isThere)) await sleep(this.options.clock, look_ms);
    // A batch that is being written ends before.
    await this.reader!.assign([]);
    this.restoring = new Map();
  }

  private async take(records: readonly LogRecord[]): Promise<void> {
    const { store, clock } = this.options;
    const byTask = new Map<Restoring, LogRecord[]>();
    for (const record of records) {
      const each = this.restoring.get(partitionId(record));
      if (each === undefined || each.owned.isReleased) continue;
      const own = byTask.get(each) ?? [];
      byTask.set(each, own);
      own.push(record);
    }
    if (byTask.size === 0) return;
    const writes = [...byTask].map(([each, own]) => {
      each.records += own.length;
      return {
        task: each.name,
        entries: own.map(({ key, value }) => ({ key: key!, value })),
        checkpoint: {
          changelogOffset: own.at(-1)!.offset,
          written_ms: clock.now_ms(),
          definition: stateVersion(each.owned.entity),
        },
      };
    });
    await store.write(writes);
  }

  private async load({ owned, name, committed }: Restoring, consumer: GroupConsumer): Promise<RestoredTask | 'again'> {
    const { store } = this.options;
    let restored: RestoredTask | null = null;
    try {
      for await (const entries of store.entries(name)) {
        for (const entry of entries) {
          if (restored === null && Buffer.compare(entry.key, taskRecordKey) === 0) {
            const record = decodeTaskRecord(entry.value!, owned.entity);
            restored = { task: new EntityTask(owned.entity, record), ...record };
          } else if (restored === null) {
            throw new MillraceError('state-unreadable', `${name}: there are entries, but no task record before them`);
          } else restored.task.load(entry);
        }
      }
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

  private report({ owned, isReused, records }: Restoring, { task, position }: RestoredTask, took_ms: number): void {
    const { logger, metrics } = this.options;
    const from = isReused ? 'disk' : records > 0 ? 'changelog' : 'nothing';
    metrics.counter('millrace_restores_total', { from }).add(1);
    metrics.counter('millrace_restored_records_total', {}).add(records);
    logger.info(
      { partition: partitionId(owned.at), from, changelog_records: records, keys: task.size, position, took_ms },
      isReused ? 'state on disk reused, the rest read from the changelog' : 'state restored from the changelog',
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
      'They are written together: were offsets reset or expired, or a topic deleted? Raise the generation of the entity to rebuild it',
  );
}
