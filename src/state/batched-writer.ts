/** Many small writes as few large ones: how state that comes from elsewhere gets into a local store. */
import type { StateStore, TaskWrite } from './state-store.ts';

/** Of one write. Larger ones are no faster (benchmarks/restore.ts), and two of them are in memory at once. */
const batchLimit_bytes = 2 * 1024 * 1024;

/**
 * Gathers writes while one is under way: reading and writing overlap, and at most two batches are held. Writes take effect in the order
 * of their calls, those that were added together in one step.
 */
export class BatchedStateWriter {
  private readonly store: StateStore;
  private readonly beside: (write: TaskWrite) => readonly TaskWrite[];
  private gathered: TaskWrite[] = [];
  private gathered_bytes = 0;
  private writing: Promise<void> | null = null;
  private failure: Error | null = null;

  /** @param beside what goes into the same write as another. */
  constructor(store: StateStore, beside: (write: TaskWrite) => readonly TaskWrite[] = () => []) {
    this.store = store;
    this.beside = beside;
  }

  /**
   * Takes writes over; their buffers are not to be changed any more. Waits while two batches are on their way.
   * @throws MillraceError what the store has thrown for an earlier one: nothing behind that is written.
   */
  async add(writes: readonly TaskWrite[]): Promise<void> {
    this.goOn();
    for (const write of writes.flatMap((each) => [each, ...this.beside(each)])) {
      this.gathered.push(write);
      for (const { key, value } of write.entries) this.gathered_bytes += key.length + (value?.length ?? 0);
    }
    while (this.gathered_bytes >= batchLimit_bytes) await this.next();
  }

  /** Resolves when all is written that was added before. @throws MillraceError as {@link add}. */
  async flush(): Promise<void> {
    while (this.gathered.length > 0 || this.writing !== null) await this.next();
  }

  /** Starts the next write, or waits for the one before it. */
  private async next(): Promise<void> {
    if (this.writing === null) this.start();
    else await this.writing;
    this.goOn();
  }

  private start(): void {
    const writes = this.gathered;
    this.gathered = [];
    this.gathered_bytes = 0;
    this.writing = this.store
      .write(writes)
      .catch((error: unknown) => {
        this.failure = error as Error;
      })
      .finally(() => {
        this.writing = null;
      });
  }

  private goOn(): void {
    if (this.failure !== null) throw this.failure;
  }
}
