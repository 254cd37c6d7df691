/**
 * Frames that were read while too much waits for the online store. Consumption is paused until there is room; the batch handler does
 * not wait, so the group is served meanwhile: a store that is away for minutes costs no membership and holds no rebalance up.
 */
import type { LogRecord, TopicPartition } from '../log/log.ts';
import type { OnlineWriter } from './online-writer.ts';
import type { OwnedEntityPartition } from './owned-entity-partition.ts';

export interface FrameBacklogOptions {
  readonly writer: OnlineWriter;
  /** Of values that are not acknowledged; beyond it no frame is applied. It goes on at half of it. */
  readonly limit_bytes: number;
  readonly owned: () => Iterable<OwnedEntityPartition>;
  /** Applies a frame, unless its partition has left or has another life by now. */
  readonly apply: (owned: OwnedEntityPartition, record: LogRecord) => void;
  /** All frames that are at hand for these partitions are applied. */
  readonly applied: (partitions: ReadonlySet<OwnedEntityPartition>) => void;
  readonly pause: (partitions: readonly TopicPartition[]) => void;
  readonly resume: (partitions: readonly TopicPartition[]) => void;
  readonly failed: (error: Error) => void;
}

interface Waiting {
  readonly owned: OwnedEntityPartition;
  readonly record: LogRecord;
}

export class FrameBacklog {
  private readonly options: FrameBacklogOptions;
  private waiting: Waiting[] = [];
  /** Those that were paused here, and by nobody else. */
  private readonly paused = new Set<OwnedEntityPartition>();
  private isWaitingForRoom = false;

  constructor(options: FrameBacklogOptions) {
    this.options = options;
  }

  /** Applies frames behind those that wait, as far as there is room. @throws MillraceError what `apply` throws. */
  take(frames: readonly Waiting[]): void {
    this.waiting = this.waiting.length === 0 ? [...frames] : [...this.waiting, ...frames];
    this.work();
  }

  private work(): void {
    const { writer, limit_bytes, apply, applied } = this.options;
    const touched = new Set<OwnedEntityPartition>();
    let taken = 0;
    while (taken < this.waiting.length && writer.pending_bytes <= limit_bytes) {
      const { owned, record } = this.waiting[taken++]!;
      apply(owned, record);
      touched.add(owned);
    }
    this.waiting = this.waiting.slice(taken);
    applied(touched);
    if (this.waiting.length > 0) this.wait();
    else this.goOn();
  }

  private wait(): void {
    const { writer, limit_bytes, owned, pause, failed } = this.options;
    // One that starts to run meanwhile comes to this with its first frames.
    const running = [...owned()].filter((each) => each.task !== null && !this.paused.has(each));
    for (const each of running) this.paused.add(each);
    if (running.length > 0) pause(running.map(({ at }) => at));
    if (this.isWaitingForRoom) return;
    this.isWaitingForRoom = true;
    const roomy = (): void => {
      this.isWaitingForRoom = false;
      try {
        this.work();
      } catch (error) {
        failed(error as Error);
      }
    };
    // A writer that stops ends this too.
    writer.room(limit_bytes / 2).then(roomy, () => undefined);
  }

  private goOn(): void {
    const still = [...this.paused].filter(({ task }) => task !== null);
    this.paused.clear();
    if (still.length > 0) this.options.resume(still.map(({ at }) => at));
  }
}
