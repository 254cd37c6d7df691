/** Writes all values of a task again, each at its own position, after the online store has lost some. protocol: Redis. */
import type { Emission } from '../entity/entity-task.ts';
import { PublishedOnDisk } from '../entity/published-on-disk.ts';
import { messageOf } from '../errors.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { StateStore } from '../state/state-store.ts';
import type { OnlineWriter } from './online-writer.ts';
import type { OwnedEntityPartition } from './owned-entity-partition.ts';

/** Values that are on their way at once: rows of others stand behind no more. */
const chunk = 500;

export interface OnlineRepairOptions {
  readonly store: StateStore;
  readonly writer: OnlineWriter;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly failed: (error: Error) => void;
  /** Resolves when no commit is under way. */
  readonly committed: () => Promise<void>;
}

export class OnlineRepair {
  private readonly options: OnlineRepairOptions;
  /** The newest repair of each task: a loss in the middle of one starts another, which replaces it. */
  private readonly current = new Map<OwnedEntityPartition, symbol>();

  constructor(options: OnlineRepairOptions) {
    this.options = options;
  }

  async start(owned: OwnedEntityPartition): Promise<void> {
    const { logger, metrics, failed } = this.options;
    const token = Symbol(owned.taskName);
    this.current.set(owned, token);
    const goesOn = (): boolean => !owned.isReleased && this.current.get(owned) === token;
    let values = 0;
    try {
      for await (const emissions of this.valuesOf(owned)) {
        if (!goesOn()) return;
        this.options.writer.add(owned, emissions, true);
        values += emissions.length;
        await this.options.writer.settle();
      }
      if (!goesOn()) return;
      owned.canary.repaired();
      this.current.delete(owned);
      this.options.writer.beat([owned]);
      metrics.counter('millrace_online_repairs_total', {}).add(1);
      logger.info({ task: owned.taskName, values }, 'all values are written again');
    } catch (error) {
      logger.warn({ task: owned.taskName, error: messageOf(error) }, 'values were not all written again');
      if (goesOn()) failed(error as Error);
    }
  }

  /**
   * What is in memory, then what is only on disk. What leaves memory meanwhile is on disk, or emits by itself; what had left it before is
   * on disk once the commit that is under way has ended.
   */
  private async *valuesOf(owned: OwnedEntityPartition): AsyncIterable<Emission[]> {
    const inMemory = owned.task?.published() ?? [];
    let next: Emission[] = [];
    for (const emission of inMemory) {
      next.push(emission);
      if (next.length < chunk) continue;
      yield next;
      next = [];
    }
    yield next;
    await this.options.committed();
    if (owned.task === null) return;
    const onDisk = new PublishedOnDisk(owned.task);
    for await (const entries of this.options.store.entries(owned.taskName)) {
      yield entries.flatMap((entry) => onDisk.take(entry) ?? []);
    }
    const last = onDisk.end();
    if (last !== null) yield [last];
  }
}
