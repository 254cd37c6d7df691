/** What the offline tasks of a worker do when the group changes its mind. */
import { expect, test } from 'vitest';
import { buildPlan } from '../../../src/define/plan-builder.ts';
import type { GroupConsumerOptions } from '../../../src/log/log.ts';
import { createMemoryLog } from '../../../src/log/memory/memory-log.ts';
import { silentLogger } from '../../../src/observability/logger.ts';
import { noMetrics } from '../../../src/observability/metrics.ts';
import { MemoryObjectStore } from '../../../src/offline/memory/memory-object-store.ts';
import { systemClock } from '../../../src/time/clock.ts';
import { OfflineRunner } from '../../../src/worker/offline-runner.ts';
import { featureLogTopic } from '../../../src/worker/topics.ts';
import { application } from '../../support/memory-worker.ts';
import { userFeatures } from '../../support/shop.ts';
import { until } from '../../support/until.ts';

const plan = buildPlan({ userFeatures });
const entity = plan.entities[0]!;

test('a partition that is lost while the object store is asked about it is not owned, nor committed', async () => {
  const log = createMemoryLog({ clock: systemClock });
  const topic = featureLogTopic(application, entity);
  await log.ensureTopics([{ name: topic, partitions: 1, config: {} }]);
  let handlers: GroupConsumerOptions['handlers'] | null = null;
  let answer: () => void = () => undefined;
  let isAsked = false;
  let isAssigned = false;
  const answered = new Promise<void>((resolve) => (answer = resolve));
  const objects = new (class extends MemoryObjectStore {
    override async list(...args: Parameters<MemoryObjectStore['list']>): ReturnType<MemoryObjectStore['list']> {
      isAsked = true;
      await answered;
      return super.list(...args);
    }
  })();
  const failures: Error[] = [];
  const runner = new OfflineRunner({
    plan,
    application,
    commitInterval_ms: 50,
    flush: { rows: 100, bytes: 1 << 20, age_ms: 100 },
    log: {
      ...log,
      groupConsumer: (options) => {
        handlers = options.handlers;
        const assigned: typeof handlers.assigned = async (partitions) => {
          const starts = await options.handlers.assigned(partitions);
          isAssigned = true;
          return starts;
        };
        return log.groupConsumer({ ...options, handlers: { ...options.handlers, assigned } });
      },
    },
    objects,
    clock: systemClock,
    logger: silentLogger,
    metrics: noMetrics,
    failed: (error) => failures.push(error),
  });
  await runner.start();
  await until('the store is asked', () => isAsked);

  handlers!.lost([{ topic, partition: 0 }]);
  answer();
  await until('the group has its answer', () => isAssigned);
  expect(await runner.progress()).toEqual([]);
  expect(failures).toEqual([]);
  await runner.stop();
});
