/** Every value that the engine gives out against the naive oracle, for random views and random histories. */
import { expect, test } from 'vitest';
import type { EntitySpec, WindowSpec } from '../../../src/testing/simulation/naive-oracle/spec.ts';
import { planOf } from '../../../src/testing/simulation/defined-views.ts';
import { Random } from '../../../src/testing/simulation/random.ts';
import { BesideOracle } from '../../support/beside-oracle.ts';
import {
  History,
  histories,
  lateHistories,
  type HistoryOptions,
  type HistoryStep,
} from '../../support/entity-history.ts';
import { inputs, randomEntity, second_us } from '../../support/entity-spec.ts';
import { expectMany, replayable, seeds } from '../../support/replayable.ts';

function played(spec: EntitySpec, steps: readonly HistoryStep[], options: HistoryOptions): BesideOracle {
  const plan = planOf(spec, 'property').entities[0]!;
  const history = new History(spec, plan, options);
  history.take(steps);
  history.end();
  const both = new BesideOracle(spec, plan);
  history.frames.forEach((frame, position) => {
    both.take(frame, position);
    if (position % 3 === 0 || position === history.frames.length - 1) both.checkNow(position);
  });
  return both;
}

test('every value equals a recount of the rows at its own T, and no change is left out', () => {
  let compared = 0;
  replayable(300, seeds, histories, (seed, steps) => {
    const spec = randomEntity(new Random(seed));
    const both = played(spec, steps, { partitions: 1 + (seed % 2) });
    compared += both.compared;
    const isSession = spec.views.some(({ features }) => features.some(({ window }) => window.kind === 'session'));
    const { insertions, retractions } = both.task.takeCounters();
    if (!isSession) expect(insertions.unmatched + retractions.unmatched).toBe(0);
  });
  expectMany(compared, 10_000);
});

test('rows that come late into sessions are refused as the rule says', () => {
  let refusals = 0;
  const windows = (random: Random): WindowSpec => ({ kind: 'session', gap_us: random.between(3, 20) * second_us });
  replayable(300, seeds, lateHistories, (seed, steps) => {
    const spec = randomEntity(new Random(seed), { inputs: [inputs[seed % inputs.length]!], windows });
    refusals += played(spec, steps, { partitions: 1, users: 1 }).refusals;
  });
  expectMany(refusals, 10);
});

test('where no row is late nothing is refused: values are those of all live rows', () => {
  let compared = 0;
  replayable(100, seeds, histories, (seed, steps) => {
    const both = played(randomEntity(new Random(seed)), steps, { punctual: true, partitions: 1 });
    expect(both.refusals).toBe(0);
    compared += both.compared;
  });
  expectMany(compared, 5_000);
});
