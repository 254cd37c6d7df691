/** Keeps what entity tasks hold in memory within a bound: states that were not used for a while stay on disk only. */
import type { EntityTask } from '../entity/entity-task.ts';
import { messageOf, RetriableError } from '../errors.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { StateStore } from '../state/state-store.ts';
import type { OwnedEntityPartition } from './owned-entity-partition.ts';
import { notesWrite } from './stored-timers.ts';

/** What is made free at once beyond the bound, so that not every commit does it; and by how much the bound falls at once. */
const slack = 0.1;

/**
 * Of the JavaScript heap, while all keys fit; and once they do not. A state that comes from disk and leaves again costs the garbage collector the
 * more, the fuller the heap is: more than a larger share saves on disk (docs/benchmarks.md).
 */
const shareWhileAllFit = 1 / 5;
const shareBeyond = 1 / 16;

/** For states in memory, bytes: while all keys' fit, and once they do not. */
export interface StateCacheLimits {
  readonly fitting: number;
  readonly beyond: number;
}

/** @param given one bound for both; ∞ by default. */
export const stateCacheLimitsOf = (given: number | StateCacheLimits = Infinity): StateCacheLimits =>
  typeof given === 'number' ? { fitting: given, beyond: given } : given;

/**
 * What the states of keys may take unless it is said.
 * @param memory_bytes what the process may take in all.
 * @param heap_bytes what the JavaScript heap may grow to, its young generation included: a part of it, where it is set as it should be.
 */
export function stateCacheLimits(memory_bytes: number, heap_bytes: number): StateCacheLimits {
  const base_bytes = Math.min(memory_bytes, heap_bytes);
  return { fitting: Math.floor(base_bytes * shareWhileAllFit), beyond: Math.floor(base_bytes * shareBeyond) };
}

export interface StateCacheOptions {
  readonly store: StateStore;
  /** Of all tasks' states, about; ∞ keeps all of them in memory. */
  readonly limits_bytes: StateCacheLimits;
  readonly owned: () => Iterable<OwnedEntityPartition>;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly failed: (error: Error) => void;
}

export class StateCache {
  private readonly options: StateCacheOptions;
  private trimming: Promise<void> | null = null;
  /** As of the last look. */
  private limit_bytes: number;

  constructor(options: StateCacheOptions) {
    this.options = options;
    this.limit_bytes = options.limits_bytes.fitting;
  }

  get resident_bytes(): number {
    return this.running.reduce((sum, { task }) => sum + task.residency.resident_bytes, 0);
  }

  /** What may still come into memory. */
  get room_bytes(): number {
    return this.limit_bytes - this.resident_bytes;
  }

  /** Once not all keys fit it falls step by step, so that no trim lets go of most states at once. */
  private nextLimit_bytes(): number {
    const { fitting, beyond } = this.options.limits_bytes;
    if (this.running.every(({ task }) => task.residency.isComplete)) return fitting;
    return Math.max(beyond, this.limit_bytes * (1 - slack));
  }

  private get running(): readonly { readonly name: string; readonly task: EntityTask }[] {
    return [...this.options.owned()].flatMap(({ task, taskName }) => (task === null ? [] : [{ name: taskName, task }]));
  }

  /** What was changed is on disk: what was not used may go. Does not wait; once at a time. */
  trim(): void {
    if (this.trimming !== null) return;
    this.limit_bytes = this.nextLimit_bytes();
    if (this.resident_bytes <= this.limit_bytes) return;
    this.trimming = this.trimNow()
      .catch((error: unknown) => {
        // The disk is full, or is opened again: the next commit comes to this anew.
        if (error instanceof RetriableError)
          this.options.logger.warn({ error: messageOf(error) }, 'states stay in memory: their timers were not stored');
        else this.options.failed(error as Error);
      })
      .finally(() => (this.trimming = null));
  }

  async stop(): Promise<void> {
    await this.trimming;
  }

  private async trimNow(): Promise<void> {
    const { store, metrics } = this.options;
    const all_bytes = this.resident_bytes;
    const excess_bytes = all_bytes - this.limit_bytes * (1 - slack);
    for (const { name, task } of this.running) {
      const { residency } = task;
      residency.evictEmptied();
      if (!residency.askForNotes()) continue;
      const cold = residency.cold((excess_bytes * residency.resident_bytes) / all_bytes);
      const notes = residency.noteCold(cold);
      try {
        if (notes.added.length + notes.removed.length > 0) await store.write([notesWrite(name, notes)]);
      } catch (error) {
        residency.unnoteCold(cold);
        throw error;
      }
      const before = residency.resident_bytes;
      residency.evict(cold);
      metrics.counter('millrace_state_evicted_bytes_total', {}).add(before - residency.resident_bytes);
    }
  }
}
