import type { TopicPartition } from '../log.ts';

/** The name of a partition, for maps. */
export const idOf = ({ topic, partition }: TopicPartition): string => `${topic}/${partition}`;
