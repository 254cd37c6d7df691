/** The first record of a producer in a partition goes alone, and those behind it when it is acknowledged. */
import type { Clock } from '../../time/clock.ts';
import type { TopicPartition } from '../log.ts';
import { KnownPartitions } from './known-partitions.ts';
import { partitionId } from '../partition-id.ts';

export class FirstRecords<R extends TopicPartition> {
  private readonly known: KnownPartitions;
  /** By partition whose first record is on its way: those behind it. */
  private readonly behind = new Map<string, R[]>();

  constructor(clock: Clock) {
    this.known = new KnownPartitions(clock);
  }

  /** Whether it is to be sent now; else it is kept for {@link acknowledged}. */
  admits(record: R): boolean {
    // Only what is not known has records behind it.
    if (this.known.has(record)) return true;
    const behind = this.behind.get(partitionId(record));
    if (behind === undefined) this.behind.set(partitionId(record), []);
    else behind.push(record);
    return behind === undefined;
  }

  /** One that was admitted could not be sent: it comes again. */
  notSent(record: R): void {
    if (this.behind.get(partitionId(record))?.length === 0) this.behind.delete(partitionId(record));
  }

  /** One in this partition was. @returns those that can be sent now, in their order. */
  acknowledged(at: TopicPartition): readonly R[] {
    this.known.acknowledged(at);
    if (this.behind.size === 0) return [];
    const behind = this.behind.get(partitionId(at)) ?? [];
    this.behind.delete(partitionId(at));
    return behind;
  }
}
