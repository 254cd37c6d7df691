/**
 * Frames that were read and are not applied: what they need is brought from disk first, for which the batch handler waits; or too much
 * waits for the online store, or for a commit. For that it does not wait: consumption is paused until there is room, and the group is served
 * meanwhile, so that a store that is away for minutes costs no membership and holds no rebalance up.
 */
import type { TopicPartition } from '../log/log.ts';
import type { OnlineWriter } from './online-writer.ts';
import type { OwnedEntityPartition } from './owned-entity-partition.ts';
import type { WaitingFrame } from './waiting-frame.ts';

export interface FrameBacklogOptions {
  readonly writer: OnlineWriter;
  /** Of values that are not acknowledged; beyond it no frame is applied. It goes on at half of it. */
  readonly limit_bytes: number;
  /** Of changed keys and values that no commit holds; beyond it no frame is applied before one does. */
  readonly uncommittedLimit: number;
  /** Commits all that there is. When that fails the tasks go back: nothing is uncommitted then either. */
  readonly commit: () => Promise<void>;
  readonly owned: () => Iterable<OwnedEntityPartition>;
  /** Applies a frame, unless its partition has left or has another life by now. */
  readonly apply: (waiting: WaitingFrame) => void;
  /** Brings what these frames need; null when nothing is missing. */
  readonly prepare: (waiting: readonly WaitingFrame[]) => Promise<void> | null;
  /** All frames that are at hand for these partitions are applied. */
  readonly applied: (partitions: ReadonlySet<OwnedEntityPartition>) => void;
  readonly pause: (partitions: readonly TopicPartition[]) => void;
  readonly resume: (partitions: readonly TopicPartition[]) => void;
  readonly failed: (error: Error) => void;
}

/** Frames whose states are brought at once. */
const lookahead = 64;

export class FrameBacklog {
  private readonly options: FrameBacklogOptions;
  private waiting: WaitingFrame[] = [];
  /** Those that were paused here, and by nobody else. */
  private readonly paused = new Set<OwnedEntityPartition>();
  private isWaitingForRoom = false;
  /** Until what the next frames need is in memory. */
  private loading: Promise<void> | null = null;
  private readonly reading = new WeakSet<OwnedEntityPartition>();

  constructor(options: FrameBacklogOptions) {
    this.options = options;
  }

  /**
   * Applies frames behind those that wait, as far as there is room. Resolves when they are applied or wait for room.
   * @throws MillraceError what `apply` and `prepare` throw.
   */
  take(frames: readonly WaitingFrame[]): Promise<void> | void {
    this.waiting = this.waiting.length === 0 ? [...frames] : [...this.waiting, ...frames];
    return this.loading ?? this.work();
  }

  /** It is read from where its task stands. Before that it is not to be resumed here: frames would be left out. */
  begun(owned: OwnedEntityPartition): void {
    this.reading.add(owned);
  }

  /** Changed keys and values that no commit holds. */
  get uncommitted(): number {
    let sum = 0;
    for (const owned of this.options.owned()) sum += owned.uncommitted;
    return sum;
  }

  private work(): Promise<void> | void {
    const { writer, limit_bytes, uncommittedLimit, apply, applied, prepare } = this.options;
    const touched = new Set<OwnedEntityPartition>();
    const hasRoom = (): boolean => writer.pending_bytes <= limit_bytes && this.uncommitted <= uncommittedLimit;
    let taken = 0;
    let missing: Promise<void> | null = null;
    while (taken < this.waiting.length && hasRoom()) {
      const next = this.waiting.slice(taken, taken + lookahead);
      missing = prepare(next);
      if (missing !== null) break;
      for (const waiting of next) {
        if (!hasRoom()) break;
        apply(waiting);
        touched.add(waiting.owned);
        taken++;
      }
    }
    this.waiting = this.waiting.slice(taken);
    applied(touched);
    if (missing !== null) return this.load(missing);
    if (this.waiting.length > 0) this.wait();
    else this.goOn();
  }

  private load(missing: Promise<void>): Promise<void> {
    const loading = missing.then(() => {
      this.loading = null;
      return this.work();
    });
    this.loading = loading;
    return loading;
  }

  private wait(): void {
    const { owned, pause, failed } = this.options;
    // One that starts to run meanwhile comes to this with its first frames.
    const running = [...owned()].filter((each) => this.reading.has(each) && !this.paused.has(each));
    for (const each of running) this.paused.add(each);
    if (running.length > 0) pause(running.map(({ at }) => at));
    if (this.isWaitingForRoom) return;
    this.isWaitingForRoom = true;
    const roomy = (): void => {
      this.isWaitingForRoom = false;
      try {
        if (this.loading === null) this.work()?.catch(failed);
      } catch (error) {
        failed(error as Error);
      }
    };
    // A writer that stops ends this too.
    this.room().then(roomy, () => undefined);
  }

  private async room(): Promise<void> {
    const { writer, limit_bytes, uncommittedLimit, commit } = this.options;
    if (this.uncommitted > uncommittedLimit) await commit();
    await writer.room(limit_bytes / 2);
  }

  private goOn(): void {
    const still = [...this.paused].filter(({ task }) => task !== null);
    this.paused.clear();
    if (still.length > 0) this.options.resume(still.map(({ at }) => at));
  }
}
