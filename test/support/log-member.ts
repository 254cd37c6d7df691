/** A group member for tests of the log: owns what is assigned, remembers what it was given, and checks that handlers never overlap. */
import { randomBytes } from 'node:crypto';
import { expect } from 'vitest';
import type { GroupConsumer, GroupHandlers, Log, LogRecord, Offset, Start, TopicPartition } from '../../src/log/log.ts';

export const idOf = ({ topic, partition }: TopicPartition): string => `${topic}/${partition}`;
export const bytes = (text: string): Buffer => Buffer.from(text);
export const text = (value: Uint8Array | null): string | null =>
  value === null ? null : Buffer.from(value).toString();
export const uniqueName = (prefix: string): string => `${prefix}-${randomBytes(6).toString('hex')}`;
export const numbers = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, i) => String(from + i));
export const partitionsOf = (topic: string, count: number): TopicPartition[] =>
  Array.from({ length: count }, (_, partition) => ({ topic, partition }));

export class Member {
  consumer: GroupConsumer | null = null;
  readonly records: LogRecord[] = [];
  readonly owned = new Map<string, TopicPartition>();
  readonly next = new Map<string, Offset>();
  readonly events: string[] = [];
  readonly failures: Error[] = [];
  starts: (partitions: readonly TopicPartition[]) => readonly Start[] = () => [];
  beforeRelease: (partitions: readonly TopicPartition[]) => Promise<void> = () => Promise.resolve();
  onBatch: (this: Member, records: readonly LogRecord[]) => Promise<void> | void = () => undefined;
  private running = 0;

  readonly handlers: GroupHandlers = {
    assigned: (partitions) =>
      this.alone('assigned', async () => {
        for (const at of partitions) this.owned.set(idOf(at), at);
        return this.starts(partitions);
      }),
    revoked: (partitions) =>
      this.alone('revoked', async () => {
        await this.beforeRelease(partitions);
        for (const at of partitions) this.owned.delete(idOf(at));
      }),
    lost: (partitions) => {
      this.events.push('lost');
      for (const at of partitions) this.owned.delete(idOf(at));
    },
    batch: (records) =>
      this.alone('batch', async () => {
        for (const record of records) {
          expect(this.owned.has(idOf(record)), `${idOf(record)} is owned`).toBe(true);
          this.records.push(record);
          this.next.set(idOf(record), {
            topic: record.topic,
            partition: record.partition,
            offset: record.offset + 1,
            metadata: `after ${record.offset}`,
          });
        }
        await this.onBatch(records);
      }),
    failed: (error) => {
      this.failures.push(error);
    },
  };

  async join(log: Log, group: string, topics: readonly string[], batch_records?: number): Promise<this> {
    const options = { group, topics, handlers: this.handlers, ...(batch_records ? { batch_records } : {}) };
    this.consumer = await log.groupConsumer(options);
    expect(this.events, 'no handler before the member is in hand').toEqual([]);
    return this;
  }

  commitAll(partitions: readonly TopicPartition[]): Promise<void> {
    return this.consumer!.commit(partitions.flatMap((at) => this.next.get(idOf(at)) ?? []));
  }

  texts(at?: TopicPartition): (string | null)[] {
    return this.records
      .filter((record) => at === undefined || idOf(record) === idOf(at))
      .map(({ value }) => text(value));
  }

  /** How far it came, for the message of a wait that failed. */
  describe(): string {
    const owned = [...this.owned].map(([id, at]) => `${id} at ${this.consumer?.position(at) ?? 'none'}`);
    const failures = this.failures.map(({ message }) => message);
    return JSON.stringify({ records: this.records.length, owned, events: this.events.slice(0, 20), failures });
  }

  private async alone<T>(event: string, work: () => Promise<T>): Promise<T> {
    expect(this.consumer, `${event} after the member is in hand`).not.toBeNull();
    this.events.push(event);
    this.running += 1;
    expect(this.running, 'handlers run one at a time').toBe(1);
    try {
      return await work();
    } finally {
      this.running -= 1;
    }
  }
}
