/**
 * What the adapter uses of the Kafka client's raw API, with exact types: the package's own are partly `any` and leave out
 * `commitCb`, `queue_non_empty_cb`, `assignmentLost` and the incremental assignment.
 */
import kafka from '@confluentinc/kafka-javascript';
import type { TopicPartition } from '../log.ts';

/** Error codes of librdkafka (negative) and of Kafka's protocol (positive) that the adapter knows. */
export const codes = {
  fatal: -150,
  maxPollExceeded: -147,
  autoOffsetReset: -140,
  queueFull: -184,
  assignPartitions: -175,
  revokePartitions: -174,
  unknownTopicOrPartition: 3,
  illegalGeneration: 22,
  unknownMember: 25,
  topicExists: 36,
  groupNotFound: 69,
  fencedInstance: 82,
  staleMemberEpoch: 113,
} as const;

/** Logical offset: the first record there is. */
export const offsetBeginning = -2;

export interface ClientError extends Error {
  readonly code: number;
  readonly isFatal?: boolean;
  readonly isRetriable?: boolean;
  readonly isTxnRequiresAbort?: boolean;
}

export interface Message {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly key?: Buffer | null;
  readonly value: Buffer | null;
  readonly timestamp?: number;
}

export interface Part {
  readonly topic: string;
  readonly partition: number;
  readonly offset?: number;
  readonly metadata?: string;
  readonly error?: ClientError;
}

export interface DeliveryReport {
  readonly topic: string;
  readonly partition: number;
  readonly key: Buffer | null;
  /** Bytes of the value. */
  readonly size: number;
  readonly offset: number;
  /** What was given to `produce`. */
  readonly opaque?: unknown;
}

export type Callback<T> = (error: ClientError | null | undefined, result: T) => void;

/** Settings of librdkafka, and the callbacks that the package takes among them. */
export type ClientSettings = Record<string, unknown>;

export interface Client {
  connect(options: { readonly timeout: number }, callback: Callback<unknown>): void;
  /** Of all topics, unless told otherwise. */
  getMetadata(
    options: { readonly timeout: number; readonly topic?: string; readonly allTopics?: boolean },
    callback: Callback<unknown>,
  ): void;
  isConnected(): boolean;
  on(event: 'event.error', listener: (error: ClientError) => void): void;
  on(event: 'event.log', listener: (event: LogEvent) => void): void;
}

/** What a client tells about itself, as JSON. */
export interface Statistics {
  readonly message: string;
}

/** What the brokers say of the cluster, as far as it is used. */
export interface ClusterMetadata {
  readonly topics: readonly { readonly name: string }[];
}

export interface LogEvent {
  readonly severity: number;
  readonly fac: string;
  readonly message: string;
}

export interface ConsumerClient extends Omit<Client, 'on'> {
  disconnect(callback: () => void): void;
  subscribe(topics: readonly string[]): void;
  assign(parts: readonly Part[]): void;
  unassign(): void;
  incrementalAssign(parts: readonly Part[]): void;
  incrementalUnassign(parts: readonly Part[]): void;
  /** Valid only within the revoke callback. */
  assignmentLost(): boolean;
  /** NONE while closing. */
  rebalanceProtocol(): 'NONE' | 'COOPERATIVE' | 'EAGER';
  setDefaultConsumeTimeout(timeout_ms: number): void;
  consume(limit: number, callback: Callback<Message[]>): void;
  committed(parts: readonly Part[], timeout_ms: number, callback: Callback<Part[]>): void;
  commitCb(parts: readonly Part[], callback: (error: ClientError | null) => void): void;
  seek(part: Part, timeout_ms: number, callback: (error?: ClientError) => void): void;
  pause(parts: readonly Part[]): void;
  resume(parts: readonly Part[]): void;
  on(event: 'event.error', listener: (error: ClientError) => void): void;
  on(event: 'event.log', listener: (event: LogEvent) => void): void;
  on(event: 'event.stats', listener: (statistics: Statistics) => void): void;
  on(event: 'partition.eof', listener: (end: Message) => void): void;
}

export interface ProducerClient extends Omit<Client, 'on'> {
  /** @throws ClientError */
  produce(
    topic: string,
    partition: number,
    value: Uint8Array | null,
    key: Uint8Array | null,
    timestamp?: null,
    opaque?: unknown,
  ): void;
  initTransactions(timeout_ms: number, callback: Callback<unknown>): void;
  beginTransaction(callback: Callback<unknown>): void;
  flush(timeout_ms: number, callback: Callback<unknown>): void;
  sendOffsetsToTransaction(
    parts: readonly Part[],
    consumer: ConsumerClient,
    timeout_ms: number,
    callback: Callback<unknown>,
  ): void;
  commitTransaction(timeout_ms: number, callback: Callback<unknown>): void;
  abortTransaction(timeout_ms: number, callback: Callback<unknown>): void;
  setPollInBackground(on: boolean): void;
  disconnect(flushTimeout_ms: number, callback: () => void): void;
  on(event: 'event.error', listener: (error: ClientError) => void): void;
  on(event: 'event.log', listener: (event: LogEvent) => void): void;
  on(event: 'event.stats', listener: (statistics: Statistics) => void): void;
  on(event: 'delivery-report', listener: (error: ClientError | null, report: DeliveryReport) => void): void;
}

export interface NewTopic {
  readonly topic: string;
  readonly num_partitions: number;
  /** -1: the broker's default. */
  readonly replication_factor: number;
  readonly config: Readonly<Record<string, string>>;
}

export interface TopicDescription {
  readonly name: string;
  readonly topicId: { readonly mostSignificantBits: bigint; readonly leastSignificantBits: bigint };
  readonly partitions: readonly { readonly leader: object | null }[];
  readonly error?: ClientError;
}

export interface GroupDescriptions {
  readonly groups: readonly {
    readonly error?: ClientError;
    readonly members: readonly {
      readonly groupInstanceId?: string;
      readonly assignment: { readonly topicPartitions: readonly Part[] };
    }[];
  }[];
}

export interface GroupOffsets {
  readonly error?: ClientError;
  readonly partitions: readonly Part[];
}

export interface ListedOffset {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly error?: ClientError;
}

export interface OffsetSpec {
  readonly timestamp: number;
}

export interface AdminClient extends Client {
  createTopic(topic: NewTopic, timeout_ms: number, callback: (error?: ClientError) => void): void;
  describeTopics(
    names: readonly string[],
    options: { readonly timeout: number },
    callback: Callback<TopicDescription[]>,
  ): void;
  describeGroups(
    groups: readonly string[],
    options: { readonly timeout: number },
    callback: Callback<GroupDescriptions>,
  ): void;
  listConsumerGroupOffsets(
    groups: readonly { readonly groupId: string; readonly partitions: readonly TopicPartition[] }[],
    options: { readonly timeout: number; readonly requireStableOffsets: boolean },
    callback: Callback<GroupOffsets[]>,
  ): void;
  listOffsets(
    partitions: readonly { readonly topic: string; readonly partition: number; readonly offset: OffsetSpec }[],
    options: { readonly timeout: number; readonly isolationLevel: number },
    callback: Callback<ListedOffset[]>,
  ): void;
  disconnect(): void;
}

interface Module {
  readonly KafkaConsumer: new (settings: ClientSettings, topicSettings: ClientSettings) => ConsumerClient;
  readonly Producer: new (settings: ClientSettings, topicSettings: ClientSettings) => ProducerClient;
  readonly AdminClient: {
    create(settings: ClientSettings, listeners: Record<string, (event: never) => void>): AdminClient;
    readonly OffsetSpec: { readonly EARLIEST: OffsetSpec; readonly LATEST: OffsetSpec };
  };
}

const module = kafka as unknown as Module;

export const { EARLIEST: earliest, LATEST: latest } = module.AdminClient.OffsetSpec;
export const isolation = { readUncommitted: 0, readCommitted: 1 } as const;

export const newConsumer = (settings: ClientSettings): ConsumerClient => new module.KafkaConsumer(settings, {});
export const newProducer = (settings: ClientSettings): ProducerClient => new module.Producer(settings, {});
/** Does not wait for a broker. */
export const newAdmin = (settings: ClientSettings, listeners: Record<string, (event: never) => void>): AdminClient =>
  module.AdminClient.create(settings, listeners);

/** One call that answers by a callback, as a promise. */
export function call<T>(start: (done: Callback<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, result) => {
      if (error) reject(error);
      else resolve(result);
    });
  });
}
