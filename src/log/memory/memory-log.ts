import { FatalError, MillraceError } from '../../errors.ts';
import type { Clock } from '../../time/clock.ts';
import type {
  GroupConsumer,
  GroupConsumerOptions,
  Log,
  LogProducer,
  LogReader,
  ReaderOptions,
  TopicPartition,
  TopicSpec,
} from '../log.ts';
import { MemoryFetcher } from './memory-fetcher.ts';
import { MemoryGroup } from './memory-group.ts';
import { MemoryMember } from './memory-member.ts';
import { MemoryTopic } from './memory-topic.ts';
import { MemoryTransactor, type CommitStep } from './memory-transactor.ts';

export interface MemoryLogOptions {
  readonly clock: Clock;
  /** Waits between two steps of a transaction. Default: no wait. */
  readonly step?: (step: CommitStep, transactor: string) => Promise<void>;
}

export interface MemoryLog extends Log {
  groupConsumer(options: GroupConsumerOptions): Promise<MemoryMember>;
}

/** The Log of one process, for embedded mode and tests: nothing survives it. Deliveries are driven by the clock's timers alone. */
export function createMemoryLog({ clock, step = () => Promise.resolve() }: MemoryLogOptions): MemoryLog {
  const topics = new Map<string, MemoryTopic>();
  const groups = new Map<string, MemoryGroup>();
  const members = new WeakMap<GroupConsumer, MemoryMember>();
  const topicOf = (name: string): MemoryTopic | undefined => topics.get(name);
  const memberOf = (consumer: GroupConsumer): MemoryMember | undefined => members.get(consumer);
  return {
    ensureTopics: (specs) =>
      Promise.resolve().then(() => {
        for (const spec of specs) ensure(topics, spec);
      }),
    describeTopics: (names) =>
      Promise.resolve(new Map(names.flatMap((name) => topicOf(name)?.info ?? []).map((info) => [info.name, info]))),
    topicNames: () => Promise.resolve([...topics.keys()]),
    groupMembers: (group) => Promise.resolve(groups.get(group)?.described ?? []),
    groupOffsets: async (group, partitions) =>
      (await groups.get(group)?.committed(partitions)) ?? partitions.map(() => null),
    producer: () => Promise.resolve(producer(clock, topicOf)),
    transactor: (options) => Promise.resolve(new MemoryTransactor({ ...options, clock, topicOf, memberOf, step })),
    groupConsumer(options) {
      const group = groups.get(options.group) ?? new MemoryGroup(options.group, topicOf);
      groups.set(options.group, group);
      const member = new MemoryMember(clock, group, options);
      members.set(member, member);
      return Promise.resolve(member);
    },
    reader: (options) => Promise.resolve(reader(clock, topicOf, options)),
    close: () => Promise.resolve(),
  };
}

function ensure(topics: Map<string, MemoryTopic>, spec: TopicSpec): void {
  const found = topics.get(spec.name)?.info;
  if (found === undefined) {
    const id = (topics.size + 1).toString(16).padStart(32, '0');
    topics.set(spec.name, new MemoryTopic({ name: spec.name, id, partitions: spec.partitions }));
  } else if (found.partitions !== spec.partitions) {
    throw new FatalError(
      'topic-mismatch',
      `topic ${spec.name} has ${found.partitions} partitions, the definition says ${spec.partitions}; raise the generation of the entity, or set partitions back`,
    );
  }
}

function producer(clock: Clock, topicOf: (name: string) => MemoryTopic | undefined): LogProducer {
  return {
    pending_bytes: 0,
    append(topic, partition, key, value) {
      const found = topicOf(topic);
      if (found === undefined) throw new MillraceError('delivery-failed', `topic ${topic} does not exist`);
      found.append(partition, key, value, clock.now_ms());
    },
    flush: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}

function reader(clock: Clock, topicOf: (name: string) => MemoryTopic | undefined, options: ReaderOptions): LogReader {
  const { batch, failed } = options;
  const fetcher = new MemoryFetcher({ clock, batch, failed, batch_records: options.batch_records ?? 1000 });
  let assigned: readonly TopicPartition[] = [];
  return {
    assign: (partitions) =>
      fetcher.exclusively(() => {
        for (const at of assigned) fetcher.remove(at);
        for (const { topic, partition, offset } of partitions) {
          const found = topicOf(topic);
          if (found !== undefined) fetcher.add(found, partition, offset === 'end' ? found.end(partition) : offset);
        }
        assigned = partitions;
      }),
    endOffsets: (partitions) =>
      Promise.resolve(partitions.map(({ topic, partition }) => topicOf(topic)?.end(partition) ?? 0)),
    beginningOffsets: (partitions) => Promise.resolve(partitions.map(() => 0)),
    highWaters: (partitions) =>
      Promise.resolve(partitions.map(({ topic, partition }) => topicOf(topic)?.highWater(partition) ?? 0)),
    position: (at) => fetcher.position(at),
    close: () =>
      fetcher.exclusively(() => {
        fetcher.end();
      }),
  };
}
