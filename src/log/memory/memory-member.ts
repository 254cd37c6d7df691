/** The client side of a membership in memory: what it was given, and the handlers in turn with the batches. */
import { messageOf, RetriableError, TaskMigratedError } from '../../errors.ts';
import type { Clock } from '../../time/clock.ts';
import type { GroupConsumer, GroupConsumerOptions, Offset, TopicPartition } from '../log.ts';
import { idOf } from './assignment.ts';
import { MemoryFetcher } from './memory-fetcher.ts';
import type { MemberClient, MemoryGroup } from './memory-group.ts';

export class MemoryMember implements GroupConsumer, MemberClient {
  readonly group: MemoryGroup;
  readonly topics: readonly string[];
  private readonly handlers: GroupConsumerOptions['handlers'];
  private readonly fetcher: MemoryFetcher;
  /** What it knows to be its own. An object per assignment: the same partition given again is another. */
  private readonly held = new Map<string, TopicPartition>();
  private readonly transactions = new Set<Promise<unknown>>();
  /** Counts its lives in the group: what an earlier one was given counts for nothing. */
  private life = 0;
  private closing: Promise<void> | null = null;
  private closed = false;

  constructor(clock: Clock, group: MemoryGroup, options: GroupConsumerOptions) {
    this.group = group;
    this.topics = options.topics;
    this.handlers = options.handlers;
    const { handlers, batch_records = 1000 } = options;
    this.fetcher = new MemoryFetcher({
      clock,
      batch_records,
      batch: (records) => handlers.batch(records),
      failed: (error) => {
        handlers.failed(error);
      },
    });
    clock.after(0, () => {
      if (this.closing === null) group.join(this);
    });
  }

  owns(id: string): boolean {
    return this.group.owns(this, id);
  }

  /** Its session has expired: the group goes on without it, and it does not know yet. */
  expire(): void {
    this.group.expire(this);
  }

  /** It hears of that, and joins again. */
  rejoin(): void {
    if (this.group.isMember(this) || this.closing !== null) return;
    const lost = [...this.held.values()];
    this.life++;
    this.drop(lost);
    if (lost.length > 0) this.handlers.lost(lost);
    this.group.join(this);
  }

  take(partitions: readonly TopicPartition[]): void {
    const given = partitions.map((at) => ({ ...at }));
    const { life } = this;
    void this.fetcher.exclusively(async () => {
      if (this.life !== life || !this.group.isMember(this)) return;
      for (const at of given) this.held.set(idOf(at), at);
      try {
        await this.start(given);
      } catch (error) {
        this.fail(error);
      }
    });
  }

  private async start(given: readonly TopicPartition[]): Promise<void> {
    const starts = new Map((await this.handlers.assigned(given)).map((start) => [idOf(start), start]));
    const committed = await this.group.committed(given);
    given.forEach((at, i) => {
      // Lost meanwhile.
      if (this.held.get(idOf(at)) !== at) return;
      const start = starts.get(idOf(at));
      const offset = start?.offset ?? committed[i]?.offset ?? 0;
      this.fetcher.add(this.group.topic(at.topic)!, at.partition, offset, start?.paused ?? false);
    });
  }

  giveUp(partitions: readonly TopicPartition[]): Promise<void> {
    return this.fetcher.exclusively(async () => {
      const given = partitions.filter((at) => this.held.has(idOf(at)));
      try {
        if (given.length > 0) await this.handlers.revoked(given);
      } catch (error) {
        this.fail(error);
      }
      this.drop(given);
      // What is under way must not arrive behind the commits of the next owner.
      await Promise.allSettled(this.transactions);
    });
  }

  committed(partitions: readonly TopicPartition[]): Promise<readonly (Offset | null)[]> {
    return this.group.committed(partitions);
  }

  commit(offsets: readonly Offset[]): Promise<void> {
    return Promise.resolve().then(() => {
      this.claim(offsets)();
      this.group.commit(this, offsets);
    });
  }

  /**
   * @returns a check that all of them are still the same assignments.
   * @throws TaskMigratedError when they are not this member's.
   */
  claim(partitions: readonly TopicPartition[]): () => void {
    if (this.closed) throw new RetriableError('log-unavailable', `the member of group ${this.group.name} is closed`);
    const claimed = new Map(partitions.map((at) => [idOf(at), this.held.get(idOf(at))]));
    const check = (): void => {
      const gone = [...claimed].filter(([id, at]) => at === undefined || this.held.get(id) !== at).map(([id]) => id);
      if (gone.length > 0)
        throw new TaskMigratedError(
          'task-lost',
          `not committed: ${gone.join(', ')} left this member of group ${this.group.name}`,
        );
    };
    check();
    return check;
  }

  /** Partitions are not given up while it is under way. */
  during<T>(transaction: Promise<T>): Promise<T> {
    const ended = transaction.finally(() => this.transactions.delete(ended));
    this.transactions.add(ended);
    return ended;
  }

  endOffsets(partitions: readonly TopicPartition[]): Promise<readonly number[]> {
    return Promise.resolve(partitions.map(({ topic, partition }) => this.group.topic(topic)?.end(partition) ?? 0));
  }

  beginningOffsets(partitions: readonly TopicPartition[]): Promise<readonly number[]> {
    return Promise.resolve(partitions.map(() => 0));
  }

  position(at: TopicPartition): number | null {
    return this.fetcher.position(at);
  }

  pause(partitions: readonly TopicPartition[]): void {
    this.fetcher.setPaused(partitions, true);
  }

  resume(partitions: readonly TopicPartition[]): void {
    this.fetcher.setPaused(partitions, false);
  }

  seek(offsets: readonly Offset[]): Promise<void> {
    return this.fetcher.exclusively(() => {
      for (const offset of offsets) this.fetcher.seek(offset, offset.offset);
    });
  }

  close(): Promise<void> {
    this.closing ??= this.group.leave(this).then(() =>
      this.fetcher.exclusively(() => {
        this.closed = true;
        this.fetcher.end();
      }),
    );
    return this.closing;
  }

  private drop(partitions: readonly TopicPartition[]): void {
    for (const at of partitions) {
      this.held.delete(idOf(at));
      this.fetcher.remove(at);
    }
  }

  private fail(error: unknown): void {
    this.fetcher.end();
    this.handlers.failed(error instanceof Error ? error : new Error(messageOf(error)));
  }
}
