/** Partitions between their assignment and their being owned. The log may take them back meanwhile; then nobody may own them. */
import type { TopicPartition } from '../log/log.ts';
import { partitionId } from '../log/partition-id.ts';

export class ArrivingPartitions {
  /** The newest arrival of each. */
  private readonly newest = new Map<string, symbol>();

  /** @returns whether a partition of this arrival has not been lost since. */
  arrive(partitions: readonly TopicPartition[]): (at: TopicPartition) => boolean {
    const arrival = Symbol('arrival');
    for (const at of partitions) this.newest.set(partitionId(at), arrival);
    return (at) => this.newest.get(partitionId(at)) === arrival;
  }

  lose(partitions: readonly TopicPartition[]): void {
    for (const at of partitions) this.newest.delete(partitionId(at));
  }
}
