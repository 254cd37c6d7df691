/** Whether an ingest goes on where the committed source offset says. */
import type { EntityPlan } from '../define/plan.ts';
import { SourceStoppedError } from '../errors.ts';
import { hash32 } from '../util/hash.ts';
import type { EntityRoute } from './router.ts';

/** What a committed source offset is about. */
export interface SourceIdentity {
  readonly topicId: string;
  readonly partitionCount: number;
  /** The entities that were given the rows, each in its generation: hashes, in hexadecimal. */
  readonly readers: readonly string[];
}

/** One incarnation of an entity, for people. */
export const readerName = ({ name, generation }: EntityPlan): string => `${name}/${generation}`;

/** How a committed source offset knows it. */
export const readerId = (entity: EntityPlan): string => hash32(readerName(entity)).toString(16).padStart(8, '0');

export const readersOf = (routes: readonly EntityRoute[]): string[] => routes.map(({ entity }) => readerId(entity));

/**
 * False when the source is to be read from its beginning, since an entity, or a generation of one, has none of its rows yet. The
 * others drop what they have seen.
 * @throws SourceStoppedError when the committed offset is about another topic.
 */
export function continues(committed: SourceIdentity, current: SourceIdentity): boolean {
  if (current.readers.some((reader) => !committed.readers.includes(reader))) return false;
  checkSameTopic(committed, current);
  return true;
}

/** @throws SourceStoppedError when the topic was made anew or has another number of partitions. */
export function checkSameTopic(known: Omit<SourceIdentity, 'readers'>, current: Omit<SourceIdentity, 'readers'>): void {
  const remedy = 'Raise the generation of every entity that reads it, to rebuild from the topic as it is now';
  if (known.topicId !== current.topicId) {
    throw new SourceStoppedError(
      'topic-mismatch',
      `the source topic was deleted and created anew (${known.topicId} → ${current.topicId}): its offsets say nothing of what was read. ${remedy}`,
    );
  }
  if (known.partitionCount !== current.partitionCount) {
    throw new SourceStoppedError(
      'topic-mismatch',
      `the source topic has ${current.partitionCount} partitions, it had ${known.partitionCount}: keys have moved between them, so ` +
        `that the order of their rows is lost. Let the connector write to a topic that is made anew with ${current.partitionCount} partitions. ${remedy}`,
    );
  }
}
