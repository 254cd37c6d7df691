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

export interface GroupMember {
  readonly partitions: readonly TopicPartition[];
  /** It has the static name of this log: whoever joins through it takes its place. */
  readonly isOwn: boolean;
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
  /** Of all topics that this client may see, in no order. */
  topicNames(): Promise<readonly string[]>;
  /** The members of a group; one that was lost is among them until its session ends. None when there is no such group. */
  groupMembers(group: string): Promise<readonly GroupMember[]>;
  /** What a group has committed, asked by somebody who need not be in it; null where there is nothing. */
  groupOffsets(group: string, partitions: readonly TopicPartition[]): Promise<readonly (Offset | null)[]>;
  producer(options: ProducerOptions): Promise<LogProducer>;
  transactor(options: TransactorOptions): Promise<Transactor>;
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

export interface Append extends TopicPartition {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
}

export interface TransactorOptions {
  /** For logs and metrics. */
  readonly name: string;
  /**
   * The same in all lives of a process, and of no two that live at a time: then a life decides at once what the one before it left
   * undecided, which else waits for its time limit. Absent: none is known.
   */
  readonly holder?: string;
  /** Called once when it cannot go on; every later commit rejects. */
  readonly failed: (error: Error) => void;
}

/** Records and a group's offsets in one step: who reads committed records sees all of them, or none. */
export interface Transactor {
  /**
   * One transaction; calls are not to overlap. `offsets` may name partitions only that the consumer owns.
   * @returns the offset that each record got.
   * @throws TaskMigratedError `task-lost` when a partition left the consumer before or meanwhile, as far as it is known here;
   * @throws RetriableError `transaction-failed` when anything else went wrong. In both cases the outcome is decided by then, and the
   *   group's committed offsets tell it.
   */
  commit(consumer: GroupConsumer, records: readonly Append[], offsets: readonly Offset[]): Promise<readonly number[]>;
  close(): Promise<void>;
}

/** Where a partition is read from when it is assigned. */
export interface Start extends Offset {
  /** Nothing comes until it is resumed. */
  readonly paused?: boolean;
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
  assigned(partitions: readonly TopicPartition[]): Promise<readonly Start[]>;
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
  /** The group's committed offsets; null where there is none. Waits while a transaction that may change them is undecided. */
  committed(partitions: readonly TopicPartition[]): Promise<readonly (Offset | null)[]>;
  /**
   * Resolves when the group has them.
   * @throws TaskMigratedError `task-lost` when a partition left this member, or the group does not take them from it.
   */
  commit(offsets: readonly Offset[]): Promise<void>;
  /** Per partition, the offset behind its last record that is not kept back by an open transaction. */
  endOffsets(partitions: readonly TopicPartition[]): Promise<readonly number[]>;
  /** Per partition, the offset of its first record; the end offset when it is empty. */
  beginningOffsets(partitions: readonly TopicPartition[]): Promise<readonly number[]>;
  /** Where the next record that is delivered will be at or above: all before it was delivered or does not exist. */
  position(partition: TopicPartition): number | null;
  pause(partitions: readonly TopicPartition[]): void;
  resume(partitions: readonly TopicPartition[]): void;
  /** Reads owned partitions from there on: nothing else comes after it has resolved. Pauses stay. Not to be awaited by a handler. */
  seek(offsets: readonly Offset[]): Promise<void>;
  /** Leaves the group, unless it is to be known again: `revoked` is called for what is owned, then it resolves. */
  close(): Promise<void>;
}

export interface ReaderOptions {
  readonly batch_records?: number;
  readonly batch: (records: readonly LogRecord[]) => Promise<void> | void;
  readonly failed: (error: Error) => void;
}

export interface LogReader {
  /** Replaces what is read; a batch that is under way ends before. Not to be awaited by the batch handler. `offset: 'end'` starts behind the last record. */
  assign(partitions: readonly (TopicPartition & { readonly offset: number | 'end' })[]): Promise<void>;
  endOffsets(partitions: readonly TopicPartition[]): Promise<readonly number[]>;
  /** As {@link GroupConsumer.beginningOffsets}. */
  beginningOffsets(partitions: readonly TopicPartition[]): Promise<readonly number[]>;
  /** Per partition, the offset behind its last record, whether its transaction is decided or not. */
  highWaters(partitions: readonly TopicPartition[]): Promise<readonly number[]>;
  /** As {@link GroupConsumer.position}. */
  position(partition: TopicPartition): number | null;
  close(): Promise<void>;
}
