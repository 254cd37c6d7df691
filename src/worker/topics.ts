/** Names and settings of the topics that an application makes for itself. */
import type { EntityPlan, Plan } from '../define/plan.ts';
import { span_us } from '../entity/windows/pane-range.ts';
import type { TopicSpec } from '../log/log.ts';

const day_ms = 86_400_000;
/** A record of the internal logs may be this large; frames end far below. */
const recordLimit_bytes = 8 * 1024 * 1024;

const prefixOf = (application: string, entity: EntityPlan): string =>
  `${application}.${entity.name}.g${entity.generation}`;

export const entityLogTopic = (application: string, entity: EntityPlan): string =>
  `${prefixOf(application, entity)}.entity-log`;
export const changelogTopic = (application: string, entity: EntityPlan): string =>
  `${prefixOf(application, entity)}.changelog`;
export const featureLogTopic = (application: string, entity: EntityPlan): string =>
  `${prefixOf(application, entity)}.feature-log`;
export const deadLetterTopic = (application: string): string => `${application}.dead-letters`;

/** A removal stays in the changelog for so long; a local store that is half as old is not trusted any more. */
export const tombstoneRetention_ms = 7 * day_ms;

/** The log reaches back as far as any window does, and a week: never past the oldest position that can be restored. */
function entityLogRetention_ms(entity: EntityPlan): number {
  const reaches_us = entity.views.flatMap(({ features, allowedLateness_us }) =>
    features.map((feature) => (feature.kind === 'derived' ? 0 : span_us(feature.window) + allowedLateness_us)),
  );
  return Math.ceil(Math.max(0, ...reaches_us) / 1000) + 7 * day_ms;
}

/** All topics that must be there before a worker starts. */
export function internalTopics(application: string, plan: Plan): TopicSpec[] {
  const common = { 'cleanup.policy': 'delete', 'max.message.bytes': String(recordLimit_bytes) };
  const topics = plan.entities.flatMap((entity): TopicSpec[] => [
    {
      name: entityLogTopic(application, entity),
      partitions: entity.partitions,
      config: { ...common, 'retention.ms': String(entityLogRetention_ms(entity)) },
    },
    {
      name: changelogTopic(application, entity),
      partitions: entity.partitions,
      config: {
        'cleanup.policy': 'compact',
        'max.message.bytes': String(recordLimit_bytes),
        'delete.retention.ms': String(tombstoneRetention_ms),
      },
    },
    {
      name: featureLogTopic(application, entity),
      partitions: entity.partitions,
      config: { ...common, 'retention.ms': String(7 * day_ms) },
    },
  ]);
  const deadLetters = {
    name: deadLetterTopic(application),
    partitions: 1,
    config: { ...common, 'retention.ms': String(30 * day_ms) },
  };
  return [...topics, deadLetters];
}
