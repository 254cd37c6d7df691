import type { LogRecord, TopicInfo } from '../log.ts';

/** A transaction, as far as the records that belong to it are concerned. */
export interface TransactionState {
  outcome: 'open' | 'committed' | 'aborted';
}

interface Slot {
  /** Null: the marker that ends a transaction. */
  readonly record: LogRecord | null;
  readonly transaction: TransactionState | null;
}

/** A topic in memory: every record is kept. As in Kafka, what stands behind an open transaction is not yet to be read. */
export class MemoryTopic {
  readonly info: TopicInfo;
  private readonly partitions: Slot[][];
  /** Per partition, below which no transaction is open. */
  private readonly stable: number[];
  private readonly listeners = new Set<() => void>();

  constructor(info: TopicInfo) {
    this.info = info;
    this.partitions = Array.from({ length: info.partitions }, () => []);
    this.stable = this.partitions.map(() => 0);
  }

  /** @returns the record's offset. */
  append(
    partition: number,
    key: Uint8Array | null,
    value: Uint8Array | null,
    timestamp_ms: number,
    transaction: TransactionState | null = null,
  ): number {
    const slots = this.slots(partition);
    const offset = slots.length;
    const record = { topic: this.info.name, partition, offset, key, value, timestamp_ms };
    slots.push({ record, transaction });
    this.changed();
    return offset;
  }

  /** The end of a transaction takes an offset too. */
  appendMarker(partition: number): void {
    this.slots(partition).push({ record: null, transaction: null });
    this.changed();
  }

  highWater(partition: number): number {
    return this.slots(partition).length;
  }

  /** Behind the last record that no open transaction keeps back. */
  end(partition: number): number {
    const slots = this.slots(partition);
    let end = this.stable[partition]!;
    while (end < slots.length && slots[end]!.transaction?.outcome !== 'open') end++;
    this.stable[partition] = end;
    return end;
  }

  /** Committed records, and where to read on. */
  read(partition: number, offset: number, limit: number): { records: LogRecord[]; next: number } {
    const slots = this.slots(partition);
    const end = this.end(partition);
    const records: LogRecord[] = [];
    let next = offset;
    for (; next < end && records.length < limit; next++) {
      const { record, transaction } = slots[next]!;
      if (record !== null && transaction?.outcome !== 'aborted') records.push(record);
    }
    return { records, next };
  }

  /** Calls back whenever there may be more to read. The result ends it. */
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

  private changed(): void {
    for (const listener of this.listeners) listener();
  }

  private slots(partition: number): Slot[] {
    const slots = this.partitions[partition];
    if (slots === undefined)
      throw new RangeError(`topic ${this.info.name} has no partition ${partition}; it has ${this.info.partitions}`);
    return slots;
  }
}
