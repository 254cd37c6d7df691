/** Who is to own what: every member its share of each topic it subscribes to, first of what it has. */
import type { TopicPartition } from '../log.ts';
import type { MemoryTopic } from './memory-topic.ts';

export const idOf = ({ topic, partition }: TopicPartition): string => `${topic}/${partition}`;

export interface Candidate {
  readonly topics: readonly string[];
  owns(id: string): boolean;
}

export type Assignment = Map<string, TopicPartition>;

export function assign<Member extends Candidate>(
  members: readonly Member[],
  topicOf: (name: string) => MemoryTopic | undefined,
): Map<Member, Assignment> {
  const targets = new Map(members.map((member) => [member, new Map<string, TopicPartition>()]));
  for (const name of [...new Set(members.flatMap(({ topics }) => topics))].sort()) {
    const topic = topicOf(name);
    if (topic === undefined) continue;
    const partitions = Array.from({ length: topic.info.partitions }, (_, partition) => ({ topic: name, partition }));
    const subscribed = members.filter(({ topics }) => topics.includes(name));
    share(partitions, subscribed, targets);
  }
  return targets;
}

function share<Member extends Candidate>(
  partitions: readonly TopicPartition[],
  members: readonly Member[],
  targets: ReadonlyMap<Member, Assignment>,
): void {
  const sizeOf = (i: number): number =>
    Math.floor(partitions.length / members.length) + (i < partitions.length % members.length ? 1 : 0);
  const free = new Map(partitions.map((at) => [idOf(at), at]));
  const give = (member: Member, given: readonly TopicPartition[]): void => {
    for (const at of given) {
      targets.get(member)!.set(idOf(at), at);
      free.delete(idOf(at));
    }
  };
  const kept = members.map((member, i) =>
    partitions.filter((at) => member.owns(idOf(at)) && free.has(idOf(at))).slice(0, sizeOf(i)),
  );
  members.forEach((member, i) => {
    give(member, kept[i]!);
  });
  members.forEach((member, i) => {
    give(member, [...free.values()].slice(0, sizeOf(i) - kept[i]!.length));
  });
}
