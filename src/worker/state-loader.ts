/** Brings the states that frames need from disk into memory, before they are applied: many keys in one read. */
import type { EntityTask } from '../entity/entity-task.ts';
import { stateKey } from '../entity/state-key.ts';
import { timersOf } from '../entity/stored-timer.ts';
import type { KeyRef } from '../entity/task-residency.ts';
import type { TimerPage } from '../entity/timer-queue.ts';
import type { EntityFrame } from '../frames/row-frame.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { StateStore } from '../state/state-store.ts';
import type { Clock } from '../time/clock.ts';
import type { WaitingFrame } from './waiting-frame.ts';
import type { OwnedEntityPartition } from './owned-entity-partition.ts';
import { untilDiskAnswers } from './until-disk-answers.ts';

export interface StateLoaderOptions {
  readonly store: StateStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** @throws MillraceError when the record is no frame. */
  readonly frameOf: (waiting: WaitingFrame) => EntityFrame;
}

export class StateLoader {
  private readonly options: StateLoaderOptions;
  private stopped = false;

  constructor(options: StateLoaderOptions) {
    this.options = options;
  }

  stop(): void {
    this.stopped = true;
  }

  /**
   * Null when all that these frames need is in memory: then they are to be applied at once, before memory is made free again.
   * @throws MillraceError as `frameOf`
   */
  prepare(waiting: readonly WaitingFrame[]): Promise<void> | null {
    const byOwned = new Map<OwnedEntityPartition, EntityFrame[]>();
    for (const each of waiting) {
      const { owned, record } = each;
      if (owned.task === null || owned.task.residency.isComplete || record.offset < owned.next) continue;
      const frames = byOwned.get(owned);
      if (frames === undefined) byOwned.set(owned, [this.options.frameOf(each)]);
      else frames.push(this.options.frameOf(each));
    }
    const bringing: Promise<void>[] = [];
    for (const [{ task, taskName }, frames] of byOwned) {
      const keys = task!.residency.missingKeys(frames);
      if (keys.length > 0) {
        bringing.push(this.bringKeys(task!, taskName, keys));
        continue;
      }
      const page = task!.residency.missingTimers(frames);
      if (page !== null) bringing.push(this.bringTimers(task!, taskName, page));
    }
    return bringing.length === 0 ? null : Promise.all(bringing).then(() => undefined);
  }

  private async bringTimers(task: EntityTask, name: string, page: TimerPage): Promise<void> {
    const found = await this.read(() => this.options.store.range(timersOf(name), page));
    const keys = task.residency.takeTimers(found.map(({ key }) => key));
    if (keys.length > 0) await this.bringKeys(task, name, keys);
  }

  private async bringKeys(task: EntityTask, name: string, refs: readonly KeyRef[]): Promise<void> {
    const { store, metrics, clock } = this.options;
    const started_ms = clock.monotonic_ms();
    const wanted = refs.map(({ view, key }) => stateKey(view, key));
    const values = await this.read(() => store.get(name, wanted));
    const { residency } = task;
    const stored = refs.map((ref, i) => residency.read(ref, values[i] ?? null));
    const chunks = refs.flatMap((ref, i) => residency.chunksOf(ref, stored[i]!));
    const keys = chunks.map(({ key }) => key);
    const found = keys.length === 0 ? [] : await this.read(() => store.get(name, keys));
    for (const [i, chunk] of chunks.entries()) residency.readChunk(chunk, found[i]!);
    // Only now, and at once: a key without its chunks could leave memory again before they come, or be written online.
    for (const [i, ref] of refs.entries()) residency.bring(ref, stored[i]!);
    const present = values.filter((value) => value !== null).length;
    metrics.counter('millrace_state_loads_total', { result: 'found' }).add(present);
    metrics.counter('millrace_state_loads_total', { result: 'absent' }).add(refs.length - present);
    metrics.histogram('millrace_state_load_seconds', {}).observe((clock.monotonic_ms() - started_ms) / 1000);
  }

  private read<T>(read: () => Promise<T>): Promise<T> {
    const { clock, logger } = this.options;
    const refused = 'state was not read from disk';
    return untilDiskAnswers(read, { clock, logger, refused, isStopped: () => this.stopped });
  }
}
