/** How many values a view gives out under a load of a thousand rows per second, its users Zipf-distributed. */
import {
  count,
  distinctCount,
  featureView,
  max,
  sum,
  type Emit,
  type FeatureView,
  type sliding,
  type tumbling,
} from '../../src/index.ts';
import { buildPlan } from '../../src/define/plan-builder.ts';
import { EntityTask } from '../../src/entity/entity-task.ts';
import { Feed, rowsPerFrame, transactions, user, zipf } from './engine-load.ts';
import { random } from './transactions-load.ts';

export interface EmissionLoad {
  readonly users: number;
  readonly minutes: number;
  readonly window: ReturnType<typeof tumbling> | ReturnType<typeof sliding>;
}

const step_us = 1_000;

function viewOf({ window }: EmissionLoad, emit: Emit): FeatureView {
  return featureView('bench', {
    entity: user,
    from: { tx: transactions.by({ user_id: 'user_id' }) },
    features: ({ tx }) => ({
      n: count(tx).over(window),
      spent: sum(tx.amount).over(window),
      largest: max(tx.amount).over(window),
      merchants: distinctCount(tx.merchant).over(window),
    }),
    emit,
  });
}

export function countEmissions(load: EmissionLoad, emit: Emit): number {
  const plan = buildPlan({ bench: viewOf(load, emit) }).entities[0]!;
  const task = new EntityTask(plan);
  const feed = new Feed(plan, { step_us, userOf: zipf(load.users, random(42)) });
  const frames = (load.minutes * 60_000_000) / step_us / rowsPerFrame;
  let emissions = 0;
  for (let i = 0; i < frames; i++) emissions += task.apply(feed.frame(), feed.position++).length;
  return emissions;
}
