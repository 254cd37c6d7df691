import { FatalError, MillraceError } from '../../errors.ts';
import type { Clock } from '../../time/clock.ts';
import type {
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
import { MemoryTopic } from './memory-topic.ts';

/** The Log of one process, for embedded mode and tests: nothing survives it. Deliveries are driven by the clock's timers alone. */
export function createMemoryLog({ clock }: { readonly clock: Clock }): Log {
  const topics = new Map<string, MemoryTopic>();
  const groups = new Map<string, MemoryGroup>();
  const topicOf = (name: string): MemoryTopic | undefined => topics.get(name);
  return {
    ensureTopics: (specs) =>
      Promise.resolve().then(() => {
        for (const spec of specs) ensure(topics, spec);
      }),
    describeTopics: (names) =>
      Promise.resolve(new Map(names.flatMap((name) => topicOf(name)?.info ?? []).map((info) => [info.name, info]))),
    producer: () => Promise.resolve(producer(clock, topicOf)),
    groupConsumer(options: GroupConsumerOptions) {
      const group = groups.get(options.group) ?? new MemoryGroup(clock, topicOf);
      groups.set(options.group, group);
      return Promise.resolve(group.join(options));
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
    close: () =>
      fetcher.exclusively(() => {
        fetcher.end();
      }),
  };
}
