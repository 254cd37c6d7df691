import type { LogRecord, TopicInfo } from '../log.ts';

/** A topic in memory: every record is kept. */
export class MemoryTopic {
  readonly info: TopicInfo;
  private readonly partitions: LogRecord[][];
  private readonly listeners = new Set<() => void>();

  constructor(info: TopicInfo) {
    this.info = info;
    this.partitions = Array.from({ length: info.partitions }, () => []);
  }

  append(partition: number, key: Uint8Array | null, value: Uint8Array | null, timestamp_ms: number): void {
    const records = this.records(partition);
    records.push({ topic: this.info.name, partition, offset: records.length, key, value, timestamp_ms });
    for (const listener of this.listeners) listener();
  }

  end(partition: number): number {
    return this.records(partition).length;
  }

  read(partition: number, offset: number, limit: number): readonly LogRecord[] {
    return this.records(partition).slice(offset, offset + limit);
  }

  /** Calls back whenever a record was appended. The result ends it. */
  listen(listener: () => void): () => void {
    // One entry for each call: a consumer listens once for each of its partitions.
    const own = (): void => {
      listener();
    };
    this.listeners.add(own);
    return () => {
      this.listeners.delete(own);
    };
  }

  private records(partition: number): LogRecord[] {
    const records = this.partitions[partition];
    if (records === undefined)
      throw new RangeError(`topic ${this.info.name} has no partition ${partition}; it has ${this.info.partitions}`);
    return records;
  }
}
