/**
 * Takes records out of a consumer and hands them on in batches, one at a time, in turn with other work of the same consumer.
 * Woken by the client whenever its queue fills, so that an idle consumer costs nothing and a record waits for no timer.
 */
import type { Clock } from '../../time/clock.ts';
import type { LogRecord, TopicPartition } from '../log.ts';
import { type ClientError, type ConsumerClient, type Message } from './client.ts';

export interface PumpOptions {
  readonly client: ConsumerClient;
  readonly clock: Clock;
  readonly batch_records: number;
  readonly batch: (records: readonly LogRecord[]) => Promise<void> | void;
  /** The batch handler failed: nothing more comes. */
  readonly failed: (error: unknown) => void;
  /** The client reports something instead of records. */
  readonly reported: (error: ClientError) => void;
}

interface Part extends TopicPartition {
  /** The next offset to take from the client: what is below it is a repetition. */
  next: number;
  position: number;
  paused: boolean;
  /** Was under way from the client when the partition was paused. */
  held: LogRecord[];
  heldEnd: number;
}

/** Keeps the client's poll interval and makes up for a wake-up that got lost. */
const poll_ms = 100;
/** A turn that gives way to others between held records. */
const nothing = { records: [] as LogRecord[], more: false };

export class RecordPump {
  private readonly options: PumpOptions;
  private readonly topics = new Map<string, Map<number, Part>>();
  private queue: Promise<void> = Promise.resolve();
  private readonly ends: Message[] = [];
  private running = false;
  private scheduled = false;
  private again = false;
  private stopPolling: () => void = () => undefined;

  constructor(options: PumpOptions) {
    this.options = options;
    options.client.setDefaultConsumeTimeout(0);
    options.client.on('partition.eof', (end) => this.ends.push(end));
  }

  start(): void {
    this.running = true;
    this.stopPolling = this.options.clock.every(poll_ms, this.wake);
    this.wake();
  }

  stop(): void {
    this.running = false;
    this.stopPolling();
  }

  /** Runs work between batches, never beside one. */
  exclusively<T>(work: () => Promise<T> | T): Promise<T> {
    const result = this.queue.then(work);
    this.queue = result.then(
      () => undefined,
      () => undefined,
    );
    return result;
  }

  readonly wake = (): void => {
    if (!this.running) return;
    if (this.scheduled) {
      this.again = true;
      return;
    }
    this.scheduled = true;
    this.exclusively(() => this.turn()).then(
      (more) => {
        this.scheduled = false;
        if (more || this.again) this.wake();
      },
      (error: unknown) => {
        this.stop();
        this.options.failed(error);
      },
    );
  };

  begin({ topic, partition }: TopicPartition, offset: number): void {
    let parts = this.topics.get(topic);
    if (parts === undefined) this.topics.set(topic, (parts = new Map<number, Part>()));
    parts.set(partition, { topic, partition, next: offset, position: offset, paused: false, held: [], heldEnd: 0 });
  }

  /** Within {@link exclusively}, once the client reads from there. */
  seek(at: TopicPartition, offset: number): void {
    const part = this.find(at);
    if (part !== undefined) Object.assign(part, { next: offset, position: offset, held: [], heldEnd: 0 });
  }

  end({ topic, partition }: TopicPartition): void {
    this.topics.get(topic)?.delete(partition);
  }

  positions(): readonly { readonly at: TopicPartition; readonly position: number }[] {
    return [...this.topics.values()].flatMap((parts) =>
      [...parts.values()].map((part) => ({ at: part, position: part.position })),
    );
  }

  position(at: TopicPartition): number | null {
    return this.find(at)?.position ?? null;
  }

  isPaused(at: TopicPartition): boolean {
    return this.find(at)?.paused === true;
  }

  pause(partitions: readonly TopicPartition[]): void {
    const changed = this.setPaused(partitions, true);
    if (changed.length > 0) this.options.client.pause(changed);
  }

  resume(partitions: readonly TopicPartition[]): void {
    const changed = this.setPaused(partitions, false);
    if (changed.length > 0) this.options.client.resume(changed);
    this.wake();
  }

  private setPaused(partitions: readonly TopicPartition[], paused: boolean): readonly TopicPartition[] {
    return partitions
      .filter((at) => {
        const part = this.find(at);
        if (part === undefined || part.paused === paused) return false;
        part.paused = paused;
        return true;
      })
      .map(({ topic, partition }) => ({ topic, partition }));
  }

  private find({ topic, partition }: TopicPartition): Part | undefined {
    return this.topics.get(topic)?.get(partition);
  }

  /** Whether there may be more at once. */
  private async turn(): Promise<boolean> {
    if (!this.running) return false;
    this.again = false;
    const held = this.takeHeld();
    const { records, more } = held.length > 0 ? { records: held, more: true } : await this.consume();
    if (records.length > 0) await this.options.batch(records);
    return more;
  }

  private consume(): Promise<{ records: LogRecord[]; more: boolean }> {
    return new Promise((resolve) => {
      this.options.client.consume(this.options.batch_records, (error, messages) => {
        const ends = this.ends.splice(0);
        if (error) this.options.reported(error);
        resolve(error || !this.running ? nothing : this.take(messages, ends));
      });
    });
  }

  private take(messages: readonly Message[], ends: readonly Message[]): { records: LogRecord[]; more: boolean } {
    const records: LogRecord[] = [];
    let part: Part | undefined;
    for (const message of messages) {
      if (part?.partition !== message.partition || part.topic !== message.topic) part = this.find(message);
      if (part === undefined || message.offset < part.next) continue;
      part.next = message.offset + 1;
      if (part.paused || part.held.length > 0) {
        part.held.push(toRecord(message));
        continue;
      }
      part.position = part.next;
      records.push(toRecord(message));
    }
    for (const end of ends) {
      const at = this.find(end);
      if (at === undefined) continue;
      if (at.held.length > 0) at.heldEnd = end.offset;
      else at.position = Math.max(at.position, end.offset);
    }
    return { records, more: messages.length > 0 || ends.length > 0 };
  }

  private takeHeld(): LogRecord[] {
    const records: LogRecord[] = [];
    for (const parts of this.topics.values()) {
      for (const part of parts.values()) {
        if (part.paused || part.held.length === 0) continue;
        const taken = part.held.splice(0, this.options.batch_records - records.length);
        if (taken.length > 0) part.position = taken[taken.length - 1]!.offset + 1;
        if (part.held.length === 0) part.position = Math.max(part.position, part.heldEnd);
        for (const record of taken) records.push(record);
      }
    }
    return records;
  }
}

const toRecord = ({ topic, partition, offset, key, value, timestamp }: Message): LogRecord => ({
  topic,
  partition,
  offset,
  key: key ?? null,
  value,
  timestamp_ms: timestamp ?? 0,
});
