/** Where an entity partition stands: in the log, and by what name in the stores. */
import type { EntityPlan } from '../define/plan.ts';
import type { TopicPartition } from '../log/log.ts';
import { partitionId } from '../log/partition-id.ts';
import { changelogTopic, entityLogTopic, featureLogTopic } from './topics.ts';

export interface EntityPlace {
  readonly entity: EntityPlan;
  /** Of the entity log. */
  readonly at: TopicPartition;
  readonly changelog: TopicPartition;
  readonly featureLog: TopicPartition;
  /** Unique among all that use the same stores. */
  readonly taskName: string;
}

export function entityPlace(application: string, entity: EntityPlan, partition: number): EntityPlace {
  const changelog = { topic: changelogTopic(application, entity), partition };
  return {
    entity,
    at: { topic: entityLogTopic(application, entity), partition },
    changelog,
    featureLog: { topic: featureLogTopic(application, entity), partition },
    taskName: partitionId(changelog),
  };
}

export const entityPlaces = (application: string, entity: EntityPlan): readonly EntityPlace[] =>
  Array.from({ length: entity.partitions }, (_, partition) => entityPlace(application, entity, partition));
