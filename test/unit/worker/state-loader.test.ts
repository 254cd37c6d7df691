/** What comes from disk comes whole, whatever happens while it is read. */
import { expect, test } from 'vitest';
import { buildPlan } from '../../../src/define/plan-builder.ts';
import { EntityTask, type Emission } from '../../../src/entity/entity-task.ts';
import { isChunkKey } from '../../../src/entity/state-key.ts';
import type { EntityFrame } from '../../../src/frames/row-frame.ts';
import { count, featureView, sliding } from '../../../src/index.ts';
import { silentLogger } from '../../../src/observability/logger.ts';
import { noMetrics } from '../../../src/observability/metrics.ts';
import { createMemoryStateStore } from '../../../src/state/memory/memory-state-store.ts';
import { systemClock } from '../../../src/time/clock.ts';
import { OwnedEntityPartition } from '../../../src/worker/owned-entity-partition.ts';
import { StateLoader } from '../../../src/worker/state-loader.ts';
import { inserted, rowsFrame, second_us, start_us, transaction } from '../../support/entity-frames.ts';
import { transactions, user } from '../../support/shop.ts';

const plan = buildPlan({
  view: featureView('user_features', {
    entity: user,
    from: { tx: transactions.by({ user_id: 'user_id' }) },
    features: ({ tx }) => ({ n: count(tx).over(sliding('1h')) }),
  }),
}).entities[0]!;
const checkpoint = { changelogOffset: 0, written_ms: 0, definition: '' };
const rows = 100;
const row = (offset: number): ReturnType<typeof inserted> =>
  inserted(offset, transaction(offset, 7, start_us + offset * 12 * second_us));
const record = { topic: 'entity-log', partition: 0, offset: 1, timestamp_ms: 0, key: null, value: null };

/** A task with one key whose windows are in chunks, all of it on disk. */
async function evicted(): Promise<{
  task: EntityTask;
  owned: OwnedEntityPartition;
  store: ReturnType<typeof createMemoryStateStore>;
}> {
  const task = new EntityTask(plan);
  task.apply(
    rowsFrame(
      0,
      Array.from({ length: rows }, (_, i) => row(i)),
    ),
    0,
  );
  const owned = new OwnedEntityPartition('test', plan, 0, 0);
  owned.run({ task, position: 1, published: 0 }, noMetrics);
  const store = createMemoryStateStore();
  await store.write([{ task: owned.taskName, entries: task.takeChanges(), checkpoint }]);
  task.residency.stored(task.residency.taken);
  evict(task);
  return { task, owned, store };
}

/** All that may leave memory; twice, since what was used gets a second chance. */
function evict({ residency }: EntityTask): void {
  for (let pass = 0; pass < 2; pass++) residency.evict(residency.cold(Infinity));
}

test('a key is not in memory before its chunks are: it would leave again, or be written online as half of it says', async () => {
  const { task, owned, store } = await evicted();
  const seen: Emission[] = [];
  const asked: number[] = [];
  const frame: EntityFrame = rowsFrame(1, [row(rows)]);
  const loader = new StateLoader({
    store: {
      ...store,
      get: (name, keys) => {
        asked.push(keys.length);
        seen.push(...task.published());
        // A commit is on disk, and the memory that states may take is full.
        evict(task);
        return store.get(name, keys);
      },
    },
    ...{ clock: systemClock, logger: silentLogger, metrics: noMetrics },
    frameOf: () => frame,
  });
  const waiting = [{ owned, record }];
  await loader.prepare(waiting);
  expect(asked, "the key's own entry, then its chunks at once").toEqual([1, 12]);
  expect(seen).toEqual([]);
  expect(loader.prepare(waiting)).toBeNull();
  expect(task.apply(frame, 1).map(({ values }) => values)).toEqual([[BigInt(rows + 1)]]);
});

test('a key of which a chunk is gone from disk is refused, not counted without it', async () => {
  const { task, owned, store } = await evicted();
  const [chunk] = (
    await store.range(owned.taskName, { from: Buffer.from([1]), to: Buffer.from([2]), limit: 9 })
  ).filter(({ key }) => isChunkKey(key));
  await store.write([{ task: owned.taskName, entries: [{ key: chunk!.key, value: null }], checkpoint }]);
  const loader = new StateLoader({
    ...{ store, clock: systemClock, logger: silentLogger, metrics: noMetrics },
    frameOf: () => rowsFrame(1, [row(rows)]),
  });
  await expect(loader.prepare([{ owned, record }])).rejects.toMatchObject({ code: 'state-unreadable' });
  expect([...task.published()]).toEqual([]);
});
