/**
 * Lets due timers fire in frames of their own: the log itself says when, so that every replay does the same. One tick at a time in the
 * whole worker, and none while values wait for the online store: a row never stands behind more than one of them.
 */
import type { OnlineWriter } from './online-writer.ts';
import type { OwnedEntityPartition } from './owned-entity-partition.ts';

/** Values that may wait before ticks do. */
const pendingLimit = 256;

export class TickScheduler {
  private readonly writer: OnlineWriter;
  private readonly append: (owned: OwnedEntityPartition) => void;
  private readonly waiting = new Set<OwnedEntityPartition>();
  /** Whose tick is on its way. */
  private current: OwnedEntityPartition | null = null;
  private settling = false;

  /** @param append puts a tick into the partition's entity log. */
  constructor(writer: OnlineWriter, append: (owned: OwnedEntityPartition) => void) {
    this.writer = writer;
    this.append = append;
  }

  /** A frame was applied: further timers of this partition may be due. */
  request(owned: OwnedEntityPartition): void {
    if (owned.task?.hasDueTimers === true) this.waiting.add(owned);
    this.next();
  }

  /** A tick came back, ours or somebody else's. */
  arrived(owned: OwnedEntityPartition): void {
    if (this.current === owned) this.current = null;
  }

  /** Its ticks are awaited no longer. */
  release(owned: OwnedEntityPartition): void {
    this.arrived(owned);
    this.waiting.delete(owned);
    this.next();
  }

  private next(): void {
    if (this.current !== null || this.settling || this.waiting.size === 0) return;
    if (this.writer.pending > pendingLimit) {
      this.settling = true;
      const settled = (): void => {
        this.settling = false;
        this.next();
      };
      // A writer that stops ends the ticks too.
      this.writer.settle(pendingLimit).then(settled, () => undefined);
      return;
    }
    const [owned] = this.waiting;
    this.waiting.delete(owned!);
    if (owned!.task?.hasDueTimers !== true) {
      this.next();
      return;
    }
    this.current = owned!;
    this.append(owned!);
  }
}
