/** Brings all that is committed in an entity's changelogs to a store of one's own, outside of any group. */
import type { EntityPlan } from '../define/plan.ts';
import { FatalError } from '../errors.ts';
import type { Log } from '../log/log.ts';
import type { Logger } from '../observability/logger.ts';
import { noMetrics } from '../observability/metrics.ts';
import type { StateStore } from '../state/state-store.ts';
import type { Clock } from '../time/clock.ts';
import { entityPlaces } from './entity-place.ts';
import { RestoringTask } from './restoring-task.ts';
import { StateCatchUp } from './state-catch-up.ts';
import { changelogTopic } from './topics.ts';

export interface ChangelogCopyOptions {
  readonly log: Log;
  readonly store: StateStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly application: string;
}

/**
 * @returns the tasks' names in the store, those that have anything.
 * @throws FatalError `topic-missing` when there is no changelog.
 */
export async function copyChangelogs(
  { application, ...options }: ChangelogCopyOptions,
  entity: EntityPlan,
): Promise<readonly string[]> {
  const { log, store, clock } = options;
  const topic = changelogTopic(application, entity);
  if (!(await log.describeTopics([topic])).has(topic))
    throw new FatalError('topic-missing', `there is no topic ${topic}: has a worker run with MILLRACE_APPLICATION_ID?`);
  const failures: Error[] = [];
  const failed = (error: Error): void => {
    failures.push(error);
    catchUp.giveUp();
  };
  const catchUp = new StateCatchUp({ ...options, metrics: noMetrics, failed, snapshots: null });
  const places = entityPlaces(application, entity);
  await catchUp.start();
  try {
    const asked_ms = clock.now_ms();
    const ends = await catchUp.ends(places.map(({ changelog }) => changelog));
    await catchUp.bring(
      places.map((place, i) => new RestoringTask({ ...place, isReleased: false }, ends[i]!, asked_ms)),
    );
  } finally {
    await catchUp.close();
  }
  if (failures[0] !== undefined) throw failures[0];
  const names = new Set(await store.tasks());
  return places.map(({ taskName }) => taskName).filter((name) => names.has(name));
}
