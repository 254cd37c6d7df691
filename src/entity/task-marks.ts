/**
 * How far time has come for an entity partition: the minima over all source partitions of all its tables, −∞ until each has
 * spoken. Which partitions count is said by the frames, never by a broker's metadata.
 */
import type { EntityPlan } from '../define/plan.ts';
import { SourceStoppedError } from '../errors.ts';
import type { Marks, SourceId } from '../frames/row-frame.ts';

/** What the task knows of one source partition. */
export interface SourceProgress {
  data_us: number;
  clock_us: number;
  /** The last source offset that was applied; rows at or below were seen. */
  offset: number;
  session: number;
  /** The number of the session's last frame. */
  number: number;
}

export interface SourceTopic {
  readonly topicId: string;
  readonly partitions: readonly SourceProgress[];
}

export class TaskMarks {
  private readonly entity: EntityPlan;
  private readonly topics: (SourceTopic | null)[];
  private minimum: Marks = { data_us: -Infinity, clock_us: -Infinity };

  /** @param restored per table, as {@link sources} gave it. */
  constructor(entity: EntityPlan, restored: readonly (SourceTopic | null)[] = entity.tables.map(() => null)) {
    this.entity = entity;
    this.topics = [...restored];
    this.recompute();
  }

  /** Per table, what is known; to be encoded at once, it changes with the next frame. */
  get sources(): readonly (SourceTopic | null)[] {
    return this.topics;
  }

  get marks(): Marks {
    return this.minimum;
  }

  /** @throws SourceStoppedError when the source topic is not the one that the state was made from. */
  take(source: SourceId, marks: Marks): SourceProgress {
    const progress = this.progressOf(source);
    if (marks.data_us > progress.data_us || marks.clock_us > progress.clock_us) {
      progress.data_us = Math.max(progress.data_us, marks.data_us);
      progress.clock_us = Math.max(progress.clock_us, marks.clock_us);
      this.recompute();
    }
    return progress;
  }

  private progressOf(source: SourceId): SourceProgress {
    let topic = this.topics[source.table] ?? null;
    if (topic === null) {
      const partitions = Array.from({ length: source.partitionCount }, newProgress);
      topic = { topicId: source.topicId, partitions };
      this.topics[source.table] = topic;
    }
    const { name, topic: topicName } = this.entity.tables[source.table]!;
    if (topic.topicId !== source.topicId || topic.partitions.length !== source.partitionCount) {
      throw new SourceStoppedError(
        'topic-mismatch',
        `the source topic ${topicName} of table ${name} was created anew or changed its number of partitions ` +
          `(${topic.topicId}/${topic.partitions.length} → ${source.topicId}/${source.partitionCount}): ` +
          `raise the generation of entity ${this.entity.name} to rebuild from it`,
      );
    }
    return topic.partitions[source.partition]!;
  }

  private recompute(): void {
    let data_us = Infinity;
    let clock_us = Infinity;
    for (const topic of this.topics) {
      if (topic === null) return;
      for (const partition of topic.partitions) {
        data_us = Math.min(data_us, partition.data_us);
        clock_us = Math.min(clock_us, partition.clock_us);
      }
    }
    this.minimum = { data_us, clock_us };
  }
}

function newProgress(): SourceProgress {
  return { data_us: -Infinity, clock_us: -Infinity, offset: -1, session: -1, number: -1 };
}
