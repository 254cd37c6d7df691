/** Where a task stands in the log that it reads. */
import type { GroupConsumer, TopicPartition } from '../log/log.ts';

export type TaskKind = 'ingest' | 'entity' | 'offline';

export interface TaskProgress {
  readonly kind: TaskKind;
  readonly at: TopicPartition;
  /** All before it is taken. */
  readonly position: number;
  /** Behind the last record that can be read now. */
  readonly end: number;
  /** Timestamp of the newest record that was taken, milliseconds; before the first, when the partition was assigned. */
  readonly reached_ms: number;
  /** What keeps the task from going on, if it is known: then standing still is right. */
  readonly waitsFor: string | null;
}

interface Owned {
  readonly at: TopicPartition;
  readonly reached_ms: number;
}

/** Of the partitions that are assigned by now. @throws MillraceError when the log gives no answer. */
export async function progressOf(
  kind: TaskKind,
  consumer: GroupConsumer,
  owned: readonly Owned[],
  waitsFor: string | null,
): Promise<readonly TaskProgress[]> {
  const ends = await consumer.endOffsets(owned.map(({ at }) => at));
  return owned.flatMap(({ at, reached_ms }, i) => {
    // Asked after the end: what moved meanwhile is no lag.
    const position = consumer.position(at);
    return position === null ? [] : [{ kind, at, position, end: ends[i]!, reached_ms, waitsFor }];
  });
}
