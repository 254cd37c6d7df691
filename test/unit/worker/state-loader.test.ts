/** States that frames need are brought while commits make memory free. */
import { expect, test, vi } from 'vitest';
import { buildPlan } from '../../../src/define/plan-builder.ts';
import { EntityTask } from '../../../src/entity/entity-task.ts';
import { isChunkKey } from '../../../src/entity/state-key.ts';
import { count, featureView, sliding } from '../../../src/index.ts';
import { silentLogger } from '../../../src/observability/logger.ts';
import { noMetrics } from '../../../src/observability/metrics.ts';
import { createMemoryStateStore } from '../../../src/state/memory/memory-state-store.ts';
import { systemClock } from '../../../src/time/clock.ts';
import type { WaitingFrame } from '../../../src/worker/frame-backlog.ts';
import type { OwnedEntityPartition } from '../../../src/worker/owned-entity-partition.ts';
import { StateLoader } from '../../../src/worker/state-loader.ts';
import { inserted, rowsFrame, second_us, start_us, transaction } from '../../support/entity-frames.ts';
import { transactions, user } from '../../support/shop.ts';

const plan = buildPlan({
  view: featureView('user_features', {
    entity: user,
    from: { tx: transactions.by({ user_id: 'user_id' }) },
    features: ({ tx }) => ({ n: count(tx).over(sliding('7d')) }),
  }),
}).entities[0]!;

const rows = 60;
const name = 'changelog/0';
/** So far apart that each has a pane of its own. */
const row = (i: number): ReturnType<typeof inserted> => inserted(i, transaction(i, 1, start_us + i * 3600 * second_us));

function letGo({ residency }: EntityTask): void {
  residency.evict([...residency.cold(Infinity), ...residency.cold(Infinity)]);
}

test('a key comes into memory whole: while its chunks are read nobody sees a part of it, and no commit lets go of one', async () => {
  const task = new EntityTask(plan);
  task.apply(
    rowsFrame(
      0,
      Array.from({ length: rows }, (_, i) => row(i)),
    ),
    0,
  );
  const entries = task.takeChanges();
  expect(entries.some(({ key }) => isChunkKey(key))).toBe(true);
  const store = createMemoryStateStore();
  await store.write([{ task: name, entries, checkpoint: { changelogOffset: 0, written_ms: 0, definition: '' } }]);
  task.residency.stored(task.residency.taken);
  letGo(task);

  const range = store.range.bind(store);
  vi.spyOn(store, 'range').mockImplementationOnce(async (of, asked) => {
    const found = await range(of, asked);
    expect([...task.published()]).toEqual([]);
    letGo(task);
    return found;
  });
  const frame = rowsFrame(1, [row(rows)]);
  const owned = { task, taskName: name, next: 1 } as unknown as OwnedEntityPartition;
  const waiting = { owned, record: { offset: 1 } } as unknown as WaitingFrame;
  const options = { store, clock: systemClock, logger: silentLogger, metrics: noMetrics };
  const loader = new StateLoader({ ...options, frameOf: () => frame });
  await loader.prepare([waiting]);
  expect(loader.prepare([waiting])).toBeNull();
  expect(task.apply(frame, 1).map(({ values }) => values)).toEqual([[BigInt(rows + 1)]]);
});
