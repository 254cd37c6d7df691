/** Keeps what entity tasks hold in memory within a bound: states that were not used for a while stay on disk only. */
import type { EntityTask } from '../entity/entity-task.ts';
import { messageOf, RetriableError } from '../errors.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { StateStore } from '../state/state-store.ts';
import type { OwnedEntityPartition } from './owned-entity-partition.ts';
import { notesWrite } from './stored-timers.ts';

/** What is made free at once beyond the bound, so that not every commit does it. */
const slack = 0.1;

/** What is left beside it: rows and values on their way, the Kafka client, RocksDB (some 200 MiB). */
const shareOfMemory = 0.3;
/**
 * More costs the garbage collector more time than it saves on disk where not all keys fit; less costs those that would fit
 * (docs/benchmarks.md has both).
 */
const shareOfHeap = 0.2;

/**
 * What the states of keys may take unless it is said.
 * @param memory_bytes what the process may take in all.
 * @param heap_bytes what the JavaScript heap may grow to, its young generation included: a part of it.
 */
export function stateCacheLimit_bytes(memory_bytes: number, heap_bytes: number): number {
  return Math.floor(Math.min(memory_bytes * shareOfMemory, heap_bytes * shareOfHeap));
}

export interface StateCacheOptions {
  readonly store: StateStore;
  /** Of all tasks' states in memory, about; ∞ keeps all of them there. */
  readonly limit_bytes: number;
  readonly owned: () => Iterable<OwnedEntityPartition>;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly failed: (error: Error) => void;
}

export class StateCache {
  private readonly options: StateCacheOptions;
  private trimming: Promise<void> | null = null;

  constructor(options: StateCacheOptions) {
    this.options = options;
  }

  get resident_bytes(): number {
    return this.running.reduce((sum, { task }) => sum + task.residency.resident_bytes, 0);
  }

  /** What may still come into memory. */
  get room_bytes(): number {
    return this.options.limit_bytes - this.resident_bytes;
  }

  private get running(): readonly { readonly name: string; readonly task: EntityTask }[] {
    return [...this.options.owned()].flatMap(({ task, taskName }) => (task === null ? [] : [{ name: taskName, task }]));
  }

  /** What was changed is on disk: what was not used may go. Does not wait; once at a time. */
  trim(): void {
    if (this.resident_bytes <= this.options.limit_bytes) return;
    this.trimming ??= this.trimNow()
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
    const { limit_bytes, store, metrics } = this.options;
    const all_bytes = this.resident_bytes;
    const excess_bytes = all_bytes - limit_bytes * (1 - slack);
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
