/**
 * The coordinator of a consumer group in memory, as a broker has it: who is a member, who owns what, what is committed. It fences members,
 * not partitions: whoever is a member may commit anything.
 */
import { RetriableError, TaskMigratedError } from '../../errors.ts';
import type { GroupMember, Offset, TopicPartition } from '../log.ts';
import { assign, idOf, type Candidate } from './assignment.ts';
import type { MemoryTopic, TransactionState } from './memory-topic.ts';

/** The client side of a membership. Its promises may stay open for ever: then its session expires. */
export interface MemberClient extends Candidate {
  take(partitions: readonly TopicPartition[]): void;
  giveUp(partitions: readonly TopicPartition[]): Promise<void>;
}

interface Membership {
  readonly expired: Promise<void>;
  readonly expire: () => void;
}

interface PendingOffsets {
  readonly offsets: readonly Offset[];
  readonly decided: Promise<void>;
  readonly decide: () => void;
}

export class MemoryGroup {
  readonly name: string;
  private readonly topicOf: (name: string) => MemoryTopic | undefined;
  private readonly offsets = new Map<string, Offset>();
  private readonly pending = new Map<TransactionState, PendingOffsets>();
  private readonly members = new Map<MemberClient, Membership>();
  private readonly owners = new Map<string, MemberClient>();
  private rebalancing: Promise<void> = Promise.resolve();

  constructor(name: string, topicOf: (name: string) => MemoryTopic | undefined) {
    this.name = name;
    this.topicOf = topicOf;
  }

  topic(name: string): MemoryTopic | undefined {
    return this.topicOf(name);
  }

  isMember(member: MemberClient): boolean {
    return this.members.has(member);
  }

  owns(member: MemberClient, id: string): boolean {
    return this.owners.get(id) === member;
  }

  get described(): readonly GroupMember[] {
    return [...this.members.keys()].map((member) => ({ partitions: this.ownedBy(member), isOwn: false }));
  }

  join(member: MemberClient): void {
    let expire: () => void = () => undefined;
    const expired = new Promise<void>((resolve) => (expire = resolve));
    this.members.set(member, { expired, expire });
    void this.rebalance();
  }

  /** Its partitions go to the others once it has given them up, and not before. */
  leave(member: MemberClient): Promise<void> {
    this.rebalancing = this.rebalancing.then(async () => {
      await this.takeAway(member, this.ownedBy(member));
      this.remove(member);
      await this.rebalanceNow();
    });
    return this.rebalancing;
  }

  /** The group goes on without a member that was not heard of: nobody asks it. */
  expire(member: MemberClient): void {
    if (!this.members.has(member)) return;
    this.remove(member);
    void this.rebalance();
  }

  /** @throws TaskMigratedError when it is no member any more. */
  commit(member: MemberClient, offsets: readonly Offset[]): void {
    this.check(member, offsets);
    for (const offset of offsets) this.offsets.set(idOf(offset), offset);
  }

  /** The offsets wait for the transaction's outcome. @throws TaskMigratedError when it is no member any more. */
  prepare(member: MemberClient, offsets: readonly Offset[], transaction: TransactionState): void {
    this.check(member, offsets);
    if (transaction.outcome !== 'open')
      throw new RetriableError('transaction-failed', `the transaction of group ${this.name} was aborted meanwhile`);
    let decide: () => void = () => undefined;
    const decided = new Promise<void>((resolve) => (decide = resolve));
    this.pending.set(transaction, { offsets, decided, decide });
  }

  /** The transaction has its outcome. */
  decide(transaction: TransactionState): void {
    const pending = this.pending.get(transaction);
    if (pending === undefined) return;
    this.pending.delete(transaction);
    if (transaction.outcome === 'committed')
      for (const offset of pending.offsets) this.offsets.set(idOf(offset), offset);
    pending.decide();
  }

  async committed(partitions: readonly TopicPartition[]): Promise<readonly (Offset | null)[]> {
    const asked = new Set(partitions.map(idOf));
    const isAsked = ({ offsets }: PendingOffsets): boolean => offsets.some((at) => asked.has(idOf(at)));
    for (;;) {
      const undecided = [...this.pending.values()].filter(isAsked);
      if (undecided.length === 0) return partitions.map((at) => this.offsets.get(idOf(at)) ?? null);
      await Promise.all(undecided.map(({ decided }) => decided));
    }
  }

  private check(member: MemberClient, offsets: readonly Offset[]): void {
    if (this.members.has(member)) return;
    throw new TaskMigratedError(
      'task-lost',
      `not committed: ${offsets.map(idOf).join(', ')}: group ${this.name} goes on without this member`,
    );
  }

  private ownedBy(member: MemberClient): TopicPartition[] {
    const owned: TopicPartition[] = [];
    for (const [id, owner] of this.owners) {
      const slash = id.lastIndexOf('/');
      if (owner === member) owned.push({ topic: id.slice(0, slash), partition: Number(id.slice(slash + 1)) });
    }
    return owned;
  }

  private remove(member: MemberClient): void {
    for (const [id, owner] of this.owners) if (owner === member) this.owners.delete(id);
    this.members.get(member)?.expire();
    this.members.delete(member);
  }

  private rebalance(): Promise<void> {
    this.rebalancing = this.rebalancing.then(() => this.rebalanceNow());
    return this.rebalancing;
  }

  /** Cooperative: first what moves is given up, then what is free is given. Who came or went meanwhile has a further turn waiting. */
  private async rebalanceNow(): Promise<void> {
    const targets = assign([...this.members.keys()], this.topicOf);
    await Promise.all(
      [...targets].map(([member, target]) =>
        this.takeAway(
          member,
          this.ownedBy(member).filter((at) => !target.has(idOf(at))),
        ),
      ),
    );
    for (const [member, target] of targets) {
      if (!this.members.has(member)) continue;
      const given = [...target.values()].filter((at) => !this.owners.has(idOf(at)));
      for (const at of given) this.owners.set(idOf(at), member);
      if (given.length > 0) member.take(given);
    }
  }

  private async takeAway(member: MemberClient, partitions: readonly TopicPartition[]): Promise<void> {
    const membership = this.members.get(member);
    if (membership === undefined || partitions.length === 0) return;
    await Promise.race([member.giveUp(partitions), membership.expired]);
    for (const at of partitions) if (this.owners.get(idOf(at)) === member) this.owners.delete(idOf(at));
  }
}
