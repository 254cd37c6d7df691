/** Partitions whose reading stands outside of what the log has: retention overtook it, or the log lost its end. The client says nothing of it. */
import type { TopicPartition } from '../log.ts';
import { checkRange } from './offsets.ts';
import { partitionId } from '../partition-id.ts';

export interface ReadingAt {
  readonly at: TopicPartition;
  readonly position: number;
}

export class StalledPartitions {
  /** By partition, where those stood that the last look found so. */
  private before: ReadonlyMap<string, number> = new Map();

  /**
   * @param standing where readings stood before the bounds were asked for, and stand still.
   * @throws FatalError as {@link checkRange}, for one that is found so a second time: what was fetched before the beginning moved has had
   *   its time to be delivered.
   */
  look(standing: readonly ReadingAt[], beginnings: readonly number[], highWaters: readonly number[]): void {
    const stalled = new Map<string, number>();
    standing.forEach(({ at: { topic, partition }, position }, i) => {
      if (position >= beginnings[i]! && position <= highWaters[i]!) return;
      const id = partitionId({ topic, partition });
      stalled.set(id, position);
      if (this.before.get(id) === position)
        checkRange([{ topic, partition, offset: position }], [beginnings[i]!], [highWaters[i]!]);
    });
    this.before = stalled;
  }
}
