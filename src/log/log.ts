/**
 * The Log port: a partitioned, replicated log with consumer groups. Kafka in production, memory in embedded mode and
 * simulation; `test/conformance/log.suite.ts` holds for every implementation.
 */
export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

export interface LogRecord extends TopicPartition {
  readonly offset: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly timestamp_ms: number;
}

export interface TopicSpec {
  readonly name: string;
  readonly partitions: number;
  /** Topic settings by Kafka's names, such as `cleanup.policy`. */
  readonly config: Readonly<Record<string, string>>;
}

export interface TopicInfo {
  readonly name: string;
  /** Changes when a topic is deleted and created again. 32 hexadecimal digits. */
  readonly id: string;
  readonly partitions: number;
}

export interface Offset extends TopicPartition {
  /** The next offset to be read. */
  readonly offset: number;
  /** At most 4,000 bytes. */
  readonly metadata?: string;
}

export interface Log {
  /**
   * Creates what is missing, with its settings; leaves what is there.
   * @throws FatalError `topic-mismatch` when a topic is there with another number of partitions.
   */
  ensureTopics(topics: readonly TopicSpec[]): Promise<void>;
  /** Topics that do not exist are not in the result. */
  describeTopics(names: readonly string[]): Promise<ReadonlyMap<string, TopicInfo>>;
  producer(options: ProducerOptions): Promise<LogProducer>;
  /** Joins the group. No handler is called before this has resolved. */
  groupConsumer(options: GroupConsumerOptions): Promise<GroupConsumer>;
  /** Reads partitions of its own choice, outside any group. */
  reader(options: ReaderOptions): Promise<LogReader>;
  close(): Promise<void>;
}

export interface ProducerOptions {
  /** For logs and metrics. */
  readonly name: string;
  /** Called once when a delivery has failed for good; the producer is dead then, every later call throws. */
  readonly failed: (error: Error) => void;
}

/** Idempotent, acks=all. Records of one partition are stored in the order of their append, without a hole: after a failed delivery nothing follows. */
export interface LogProducer {
  /** Hands over one record; never waits. A null value is a tombstone, an empty one is not. */
  append(topic: string, partition: number, key: Uint8Array | null, value: Uint8Array | null): void;
  /** Bytes that were appended and not yet acknowledged. */
  readonly pending_bytes: number;
  /** Resolves when all that was appended before is acknowledged. @throws MillraceError `delivery-failed` */
  flush(): Promise<void>;
  close(): Promise<void>;
}

export interface GroupConsumerOptions {
  readonly group: string;
  readonly topics: readonly string[];
  /** Most records of one batch. Default 1000. */
  readonly batch_records?: number;
  readonly handlers: GroupHandlers;
}

/** Called one at a time, never while another is under way. `lost` and `failed` may interrupt. */
export interface GroupHandlers {
  /**
   * Partitions that this member owns from now on. The result says where to start each; one that is not named starts at the
   * committed offset, or at the beginning.
   */
  assigned(partitions: readonly TopicPartition[]): Promise<readonly Offset[]>;
  /** They go to another member once this resolves: the last chance to commit them. */
  revoked(partitions: readonly TopicPartition[]): Promise<void>;
  /** Others own them already: no commit. */
  lost(partitions: readonly TopicPartition[]): void;
  /** Records in order per partition. The next batch comes when this has settled. */
  batch(records: readonly LogRecord[]): Promise<void> | void;
  /** The consumer cannot go on. */
  failed(error: Error): void;
}

export interface GroupConsumer {
  /** The group's committed offsets; null where there is none. */
  committed(partitions: readonly TopicPartition[]): Promise<readonly (Offset | null)[]>;
  commit(offsets: readonly Offset[]): Promise<void>;
  /** Per partition, the offset behind its last record. */
  endOffsets(partitions: readonly TopicPartition[]): Promise<readonly number[]>;
  /** Per partition, the offset of its first record; the end offset when it is empty. */
  beginningOffsets(partitions: readonly TopicPartition[]): Promise<readonly number[]>;
  /** Where the next record that is delivered will be at or above: all before it was delivered or does not exist. */
  position(partition: TopicPartition): number | null;
  pause(partitions: readonly TopicPartition[]): void;
  resume(partitions: readonly TopicPartition[]): void;
  /** Leaves the group: `revoked` is called for what is owned, then it resolves. */
  close(): Promise<void>;
}

export interface ReaderOptions {
  readonly batch_records?: number;
  readonly batch: (records: readonly LogRecord[]) => Promise<void> | void;
  readonly failed: (error: Error) => void;
}

export interface LogReader {
  /** Replaces what is read. `offset: 'end'` starts behind the last record. */
  assign(partitions: readonly (TopicPartition & { readonly offset: number | 'end' })[]): Promise<void>;
  endOffsets(partitions: readonly TopicPartition[]): Promise<readonly number[]>;
  close(): Promise<void>;
}
