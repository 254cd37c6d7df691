import type { TopicPartition } from './log.ts';

/** A partition as a map's key, and in messages: `topic/partition`. */
export const partitionId = ({ topic, partition }: TopicPartition): string => `${topic}/${partition}`;
