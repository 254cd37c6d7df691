/** When values are given out: once for each window that closes, or at most once in each interval. */
import { expect, test } from 'vitest';
import { EntityTask, type Emission } from '../../../src/entity/entity-task.ts';
import { planOf } from '../../../src/testing/simulation/defined-views.ts';
import { NaiveTask } from '../../../src/testing/simulation/naive-oracle/naive-task.ts';
import { eventTime_us } from '../../../src/testing/simulation/naive-oracle/order.ts';
import type { OracleRow, ViewSpec } from '../../../src/testing/simulation/naive-oracle/spec.ts';
import { runsOf } from '../../../src/testing/simulation/naive-oracle/windows.ts';
import { Random } from '../../../src/testing/simulation/random.ts';
import { BesideOracle } from '../../support/beside-oracle.ts';
import { History, histories, type HistoryStep } from '../../support/entity-history.ts';
import { closingEntity, randomEntity, second_us } from '../../support/entity-spec.ts';
import { expectMany, replayable, seeds } from '../../support/replayable.ts';

/** Rows in the order of their time: none comes behind the close of its window. */
const inOrder = (steps: readonly HistoryStep[]): HistoryStep[] =>
  steps.map((step, id) => ({ ...step, id, skew_s: 0, beside_us: 0, delete: false, restart: false }));

/** The last instants of the windows that hold these rows. */
function closesOf({ features, inputs: [input] }: ViewSpec, rows: readonly OracleRow[]): number[] {
  const { window } = features[0]!;
  const { table } = input!;
  if (window.kind === 'session')
    return runsOf(table, rows, window.gap_us).map((run) => eventTime_us(table, run.at(-1)!) + window.gap_us - 1);
  if (window.kind !== 'tumbling') throw new RangeError('only one of these is given out when it closes');
  const { size_us } = window;
  return [...new Set(rows.map((row) => (Math.floor(eventTime_us(table, row) / size_us) + 1) * size_us - 1))];
}

test('each window that held rows gives out its values once, when it closes, in the order of time', () => {
  let closed = 0;
  replayable(150, seeds, histories, (seed, steps) => {
    const spec = closingEntity(new Random(seed));
    const plan = planOf(spec, 'property').entities[0]!;
    const history = new History(spec, plan, { partitions: 1 });
    history.take(inOrder(steps));
    history.end();
    const naive = new NaiveTask(spec);
    const task = new EntityTask(plan);
    const told = new Map<string, Emission[]>();
    history.frames.forEach(({ frame, tell }, position) => {
      tell(naive);
      for (const emission of task.apply(frame, position)) {
        const id = `${emission.view.name} ${emission.key}`;
        told.set(id, [...(told.get(id) ?? []), emission]);
      }
    });
    for (const view of spec.views) {
      for (const key of naive.keysOf(view)) {
        const rows = naive.rowsOf(view.inputs[0]!, key);
        const wanted = closesOf(view, rows)
          .sort((a, b) => a - b)
          .map((asOf_us) => ({ asOf_us, values: naive.valuesOfAll(view, key, asOf_us) }));
        const found = (told.get(`${view.name} ${key}`) ?? []).map(({ asOf_us, values }) => ({ asOf_us, values }));
        expect({ view: view.name, key, found }).toEqual({ view: view.name, key, found: wanted });
        closed += found.length;
      }
    }
  });
  expectMany(closed, 1_000);
});

test('in each interval a key gives out one value at most, true at its T; then the last one is what it would be now', () => {
  let given = 0;
  replayable(150, seeds, histories, (seed, steps) => {
    const interval_us = (1 + (seed % 20)) * second_us;
    const spec = randomEntity(new Random(seed), { emit: [{ kind: 'every', interval_us }] });
    const plan = planOf(spec, 'property').entities[0]!;
    const history = new History(spec, plan, { partitions: 1 + (seed % 2) });
    history.take(steps);
    history.end();
    const both = new BesideOracle(spec, plan);
    const seen = new Set<string>();
    history.frames.forEach((frame, position) => {
      for (const { view, key, asOf_us } of both.take(frame, position)) {
        const id = `${view.name} ${key} ${Math.floor(asOf_us / interval_us)}`;
        expect(seen).not.toContain(id);
        seen.add(id);
      }
    });
    both.checkNow(history.frames.length);
    given += seen.size;
  });
  expectMany(given, 3_000);
});
