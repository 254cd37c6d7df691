/** The first part of a restore without a disk: the newest good snapshot, so that only the changelog's tail is left. */
import { stateVersion } from '../entity/task-record.ts';
import type { Log } from '../log/log.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { ObjectStore } from '../offline/object-store.ts';
import type { BatchedStateWriter } from '../state/batched-writer.ts';
import { SnapshotReader, type PassedOver } from '../state/snapshots/snapshot-reader.ts';
import type { SnapshotTask } from '../state/snapshots/snapshot-names.ts';
import type { StateStore } from '../state/state-store.ts';
import type { Clock } from '../time/clock.ts';
import type { RestoringTask, StateOwner } from './restoring-task.ts';
import { clearTask } from './stored-timers.ts';
import { tombstoneRetention_ms } from './topics.ts';

/** Snapshots that come in at once: each has a part in memory. */
const atOnce = 4;

export interface SnapshotRestoreOptions {
  readonly log: Log;
  readonly store: StateStore;
  readonly objects: ObjectStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** Null when the changelog is not there. */
export async function snapshotTaskOf(log: Log, owned: StateOwner): Promise<SnapshotTask | null> {
  const { topic } = owned.changelog;
  const topicId = (await log.describeTopics([topic])).get(topic)?.id;
  if (topicId === undefined) return null;
  const { entity, taskName: task } = owned;
  return { task, topicId, generation: entity.generation, definition: stateVersion(entity) };
}

export class SnapshotRestore {
  private readonly options: SnapshotRestoreOptions;
  private readonly reader: SnapshotReader;
  private readonly turns: Promise<unknown>[] = Array.from({ length: atOnce }, () => Promise.resolve());
  private calls = 0;

  constructor(options: SnapshotRestoreOptions) {
    this.options = options;
    this.reader = new SnapshotReader(options.objects, (name, why, message) => {
      this.passedOver(name, why, message);
    });
  }

  /**
   * Brings the newest good snapshot to the local store, which holds nothing of the task; none when there is none.
   * @param goesOn once it says no, the restore is given up.
   * @throws MillraceError what the local store throws.
   */
  bring(restoring: RestoringTask, into: BatchedStateWriter, goesOn: () => boolean): Promise<void> {
    const turn = this.calls++ % atOnce;
    const result = this.turns[turn]!.then(() => this.bringNow(restoring, into, goesOn));
    this.turns[turn] = result.catch(() => undefined);
    return result;
  }

  private async bringNow(restoring: RestoringTask, into: BatchedStateWriter, goesOn: () => boolean): Promise<void> {
    const { log, store, clock, metrics } = this.options;
    const of = await snapshotTaskOf(log, restoring.owned);
    if (of === null || restoring.end === 0) return;
    const limits = { end: restoring.end, oldest_ms: clock.now_ms() - tombstoneRetention_ms / 2 };
    for (const offset of await this.reader.offsets(of)) {
      const manifest = await this.reader.manifest(of, offset, limits);
      if (!goesOn()) return;
      if (manifest === null) continue;
      restoring.stage = 'snapshot';
      restoring.snapshotEntries_left = manifest.entries;
      restoring.next = offset + 1;
      const isWhole = await this.reader.load(manifest, into, (entries, bytes) => {
        restoring.snapshotEntries += entries;
        restoring.snapshotEntries_left -= entries;
        restoring.bytes += bytes;
        metrics.counter('millrace_restored_bytes_total', {}).add(bytes);
        return goesOn();
      });
      if (isWhole) {
        restoring.source = 'snapshot';
        return;
      }
      Object.assign(restoring, { stage: 'waiting', snapshotEntries_left: 0, next: 0 });
      await into.flush();
      await clearTask(store, restoring.name);
      if (!goesOn()) return;
    }
  }

  private passedOver(name: string, reason: PassedOver, message: string): void {
    const { logger, metrics } = this.options;
    metrics.counter('millrace_state_snapshots_passed_over_total', { reason }).add(1);
    logger.warn({ name, reason, error: message }, 'a snapshot of state is not used; an older one or the changelog is');
  }
}
