/** What a key keeps of what it wrote must not keep more alive than itself. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { buildPlan } from '../../../../src/define/plan-builder.ts';
import { EntityTask } from '../../../../src/entity/entity-task.ts';
import { featureView, sliding, sum } from '../../../../src/index.ts';
import { Feed, rowsPerFrame, transactions, user } from '../../../support/engine-load.ts';
import { until } from '../../../support/until.ts';

const keys = 1000;
const rowsOfKey = 40;

function bytesBesideTheHeap(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().arrayBuffers;
}

test('panes that were written keep no buffers alive: each had kept the 8 KiB that it was cut from', async () => {
  const bench = featureView('bench', {
    entity: user,
    from: { tx: transactions.by({ user_id: 'user_id' }) },
    features: ({ tx }) => ({ spent: sum(tx.amount).over(sliding('5m', { resolution: '1s' })) }),
  });
  const plan = buildPlan({ bench }).entities[0]!;
  const task = new EntityTask(plan);
  const window_us = 300_000_000;
  const feed = new Feed(plan, { step_us: window_us / (keys * rowsOfKey), userOf: (row) => row % keys });
  const before_bytes = bytesBesideTheHeap();
  let written_bytes = 0;
  for (let rows = 0; rows < keys * rowsOfKey; rows += rowsPerFrame) {
    task.apply(feed.frame(), feed.position++);
    for (const { value } of task.takeChanges()) written_bytes += value?.length ?? 0;
  }
  expect(task.size).toBe(keys);
  expect(written_bytes).toBeGreaterThan(1_000_000);
  // What is free is given back by a thread of its own.
  await until('no buffers are kept', () => bytesBesideTheHeap() - before_bytes < 200_000, 3000);
});
