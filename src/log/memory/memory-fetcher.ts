/** Delivers the records of assigned partitions in batches, one batch at a time, in turn with other work of the same consumer. */
import type { Clock } from '../../time/clock.ts';
import type { LogRecord, TopicPartition } from '../log.ts';
import type { MemoryTopic } from './memory-topic.ts';

interface Assigned {
  readonly topic: MemoryTopic;
  readonly partition: number;
  readonly unlisten: () => void;
  next: number;
  paused: boolean;
}

export interface FetcherOptions {
  readonly clock: Clock;
  readonly batch_records: number;
  readonly batch: (records: readonly LogRecord[]) => Promise<void> | void;
  readonly failed: (error: Error) => void;
}

const idOf = ({ topic, partition }: TopicPartition): string => `${topic}/${partition}`;

export class MemoryFetcher {
  private readonly options: FetcherOptions;
  private readonly assigned = new Map<string, Assigned>();
  private turn: Promise<void> = Promise.resolve();
  private scheduled = false;
  private ended = false;

  constructor(options: FetcherOptions) {
    this.options = options;
  }

  /** Runs work between batches, never beside one. */
  exclusively<T>(work: () => Promise<T> | T): Promise<T> {
    const result = this.turn.then(work);
    this.turn = result.then(
      () => undefined,
      () => undefined,
    );
    return result;
  }

  add(topic: MemoryTopic, partition: number, offset: number, paused = false): void {
    const at = { topic: topic.info.name, partition };
    this.assigned.set(idOf(at), { topic, partition, next: offset, paused, unlisten: topic.listen(this.wake) });
    this.wake();
  }

  remove(at: TopicPartition): void {
    this.assigned.get(idOf(at))?.unlisten();
    this.assigned.delete(idOf(at));
  }

  position(at: TopicPartition): number | null {
    return this.assigned.get(idOf(at))?.next ?? null;
  }

  seek(at: TopicPartition, offset: number): void {
    const assigned = this.assigned.get(idOf(at));
    if (assigned !== undefined) assigned.next = offset;
    this.wake();
  }

  setPaused(partitions: readonly TopicPartition[], paused: boolean): void {
    for (const at of partitions) {
      const assigned = this.assigned.get(idOf(at));
      if (assigned !== undefined) assigned.paused = paused;
    }
    this.wake();
  }

  end(): void {
    this.ended = true;
    for (const { unlisten } of this.assigned.values()) unlisten();
    this.assigned.clear();
  }

  private readonly wake = (): void => {
    if (this.scheduled || this.ended) return;
    this.scheduled = true;
    this.options.clock.after(0, () => {
      this.scheduled = false;
      void this.exclusively(() => this.deliver()).catch((error: unknown) => {
        this.end();
        this.options.failed(error as Error);
      });
    });
  };

  private async deliver(): Promise<void> {
    const { records, moved } = this.ended ? { records: [], moved: false } : this.take();
    if (!moved) return;
    if (records.length > 0) await this.options.batch(records);
    this.wake();
  }

  /** A share from each partition, so that none waits for the others. */
  private take(): { records: LogRecord[]; moved: boolean } {
    const ready = [...this.assigned.values()].filter(
      ({ topic, partition, next, paused }) => !paused && next < topic.end(partition),
    );
    const share = Math.max(1, Math.floor(this.options.batch_records / Math.max(1, ready.length)));
    const records: LogRecord[] = [];
    for (const assigned of ready) {
      const taken = assigned.topic.read(assigned.partition, assigned.next, share);
      assigned.next = taken.next;
      records.push(...taken.records);
    }
    return { records, moved: ready.length > 0 };
  }
}
