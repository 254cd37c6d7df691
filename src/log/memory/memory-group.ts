/** A consumer group in memory: cooperative rebalances, partitions stay where they are unless balance asks otherwise. */
import type { Clock } from '../../time/clock.ts';
import type { GroupConsumer, GroupConsumerOptions, Offset, TopicPartition } from '../log.ts';
import { MemoryFetcher } from './memory-fetcher.ts';
import type { MemoryTopic } from './memory-topic.ts';

const idOf = ({ topic, partition }: TopicPartition): string => `${topic}/${partition}`;

interface Member {
  readonly options: GroupConsumerOptions;
  readonly fetcher: MemoryFetcher;
  readonly owned: Map<string, TopicPartition>;
}

export class MemoryGroup {
  private readonly clock: Clock;
  private readonly topicOf: (name: string) => MemoryTopic | undefined;
  private readonly offsets = new Map<string, Offset>();
  private readonly members: Member[] = [];
  private rebalancing: Promise<void> = Promise.resolve();

  constructor(clock: Clock, topicOf: (name: string) => MemoryTopic | undefined) {
    this.clock = clock;
    this.topicOf = topicOf;
  }

  join(options: GroupConsumerOptions): GroupConsumer {
    const { clock } = this;
    const { handlers, batch_records = 1000 } = options;
    const fetcher = new MemoryFetcher({
      clock,
      batch_records,
      batch: (records) => handlers.batch(records),
      failed: (error) => {
        handlers.failed(error);
      },
    });
    const member: Member = { options, fetcher, owned: new Map() };
    this.members.push(member);
    clock.after(0, () => {
      void this.rebalance();
    });
    return this.handle(member);
  }

  private handle(member: Member): GroupConsumer {
    const { fetcher } = member;
    return {
      committed: (partitions) => Promise.resolve(partitions.map((at) => this.offsets.get(idOf(at)) ?? null)),
      commit: (offsets) => {
        for (const offset of offsets) this.offsets.set(idOf(offset), offset);
        return Promise.resolve();
      },
      endOffsets: (partitions) =>
        Promise.resolve(partitions.map(({ topic, partition }) => this.topicOf(topic)?.end(partition) ?? 0)),
      beginningOffsets: (partitions) => Promise.resolve(partitions.map(() => 0)),
      position: (at) => fetcher.position(at),
      pause: (partitions) => {
        fetcher.setPaused(partitions, true);
      },
      resume: (partitions) => {
        fetcher.setPaused(partitions, false);
      },
      close: () => this.leave(member),
    };
  }

  /** Its partitions go to the others once it has given them up, and not before. */
  private leave(member: Member): Promise<void> {
    this.rebalancing = this.rebalancing.then(async () => {
      if (!this.members.includes(member)) return;
      await this.revoke(member, [...member.owned.values()]);
      this.members.splice(this.members.indexOf(member), 1);
      await member.fetcher.exclusively(() => {
        member.fetcher.end();
      });
      await this.rebalanceNow();
    });
    return this.rebalancing;
  }

  private rebalance(): Promise<void> {
    this.rebalancing = this.rebalancing.then(() => this.rebalanceNow());
    return this.rebalancing;
  }

  private async rebalanceNow(): Promise<void> {
    const targets = this.targets();
    for (const [member, target] of targets) {
      await this.revoke(
        member,
        [...member.owned.values()].filter((at) => !target.has(idOf(at))),
      );
    }
    for (const [member, target] of targets) {
      await this.assign(
        member,
        [...target.values()].filter((at) => !member.owned.has(idOf(at))),
      );
    }
  }

  /** Who owns what: every member its share, first of what it has. */
  private targets(): Map<Member, Map<string, TopicPartition>> {
    const targets = new Map(this.members.map((member) => [member, new Map<string, TopicPartition>()]));
    const topics = [...new Set(this.members.flatMap((member) => member.options.topics))].sort();
    for (const name of topics) {
      const topic = this.topicOf(name);
      const subscribed = this.members.filter((member) => member.options.topics.includes(name));
      if (topic === undefined || subscribed.length === 0) continue;
      const partitions = Array.from({ length: topic.info.partitions }, (_, partition) => ({ topic: name, partition }));
      const free = new Map(partitions.map((at) => [idOf(at), at]));
      subscribed.forEach((member, i) => {
        const share =
          Math.floor(partitions.length / subscribed.length) + (i < partitions.length % subscribed.length ? 1 : 0);
        const kept = partitions.filter((at) => member.owned.has(idOf(at)) && free.has(idOf(at))).slice(0, share);
        for (const at of kept) {
          targets.get(member)!.set(idOf(at), at);
          free.delete(idOf(at));
        }
      });
      subscribed.forEach((member, i) => {
        const share =
          Math.floor(partitions.length / subscribed.length) + (i < partitions.length % subscribed.length ? 1 : 0);
        const target = targets.get(member)!;
        const has = partitions.filter((at) => target.has(idOf(at))).length;
        for (const [id, at] of [...free].slice(0, share - has)) {
          target.set(id, at);
          free.delete(id);
        }
      });
    }
    return targets;
  }

  private async revoke(member: Member, partitions: readonly TopicPartition[]): Promise<void> {
    if (partitions.length === 0) return;
    await member.fetcher.exclusively(async () => {
      await member.options.handlers.revoked(partitions);
      for (const at of partitions) {
        member.owned.delete(idOf(at));
        member.fetcher.remove(at);
      }
    });
  }

  private async assign(member: Member, partitions: readonly TopicPartition[]): Promise<void> {
    if (partitions.length === 0 || !this.members.includes(member)) return;
    await member.fetcher.exclusively(async () => {
      const starts = new Map(
        (await member.options.handlers.assigned(partitions)).map((start) => [idOf(start), start.offset]),
      );
      for (const at of partitions) {
        member.owned.set(idOf(at), at);
        const start = starts.get(idOf(at)) ?? this.offsets.get(idOf(at))?.offset ?? 0;
        member.fetcher.add(this.topicOf(at.topic)!, at.partition, start);
      }
    });
  }
}
