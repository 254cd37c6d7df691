/** What a pane leaves out when it holds as much as it may, and what its windows learn of it. */
import { expect, test } from 'vitest';
import type { Value } from '../../../../src/define/column.ts';
import type { AggregateState, ResultPlan } from '../../../../src/define/plan.ts';
import { paneLimit } from '../../../../src/entity/aggregates/pane-limit.ts';
import { Panes, rowAt } from '../../../support/aggregate-panes.ts';

const type = { kind: 'int64' } as const;

/** A full pane in a window: values 0 to limit - 1, one a microsecond. */
function full(state: AggregateState): Panes {
  const panes = new Panes(state, 2);
  panes.move(0);
  for (let i = 0; i < paneLimit; i++) panes.insert(0, BigInt(i), rowAt(i, BigInt(i)));
  expect(panes.overflows).toBe(0);
  return panes;
}

const shown = (panes: Panes, result: ResultPlan): Value[] => {
  const { window, panes: own } = panes.results(result, paneLimit);
  expect(window).toEqual(own[0]);
  return [window].flat();
};

const retract = (panes: Panes, value: bigint, time: number): boolean =>
  panes.panes[0]!.retract(value, rowAt(time, value), {
    insert: () => expect.unreachable(),
    retract: () => undefined,
    overflow: () => expect.unreachable(),
  });

test('values: a new one is refused, one that is there already is counted', () => {
  const panes = full({ kind: 'values', type, keep: null });
  panes.insert(0, BigInt(paneLimit), rowAt(paneLimit, 1n));
  panes.insert(0, 7n, rowAt(paneLimit, 2n));
  expect(panes.overflows).toBe(1);
  expect(shown(panes, { function: 'max' })).toEqual([BigInt(paneLimit - 1)]);
  expect(shown(panes, { function: 'distinctCount' })).toEqual([BigInt(paneLimit)]);
  expect(retract(panes, BigInt(paneLimit), paneLimit)).toBe(false);
  expect(retract(panes, 7n, paneLimit)).toBe(true);
});

test('frequencies: a new value is refused', () => {
  const panes = full({ kind: 'frequencies', type });
  for (const value of [BigInt(paneLimit), BigInt(paneLimit), 3n]) panes.insert(0, value, rowAt(0, value));
  expect(panes.overflows).toBe(2);
  expect(shown(panes, { function: 'topK', limit: 2 })).toEqual([3n, 0n]);
});

test('ordered: the oldest row is dropped, or the new one if that is it', () => {
  const panes = full({ kind: 'ordered', type, keep: null });
  panes.insert(0, -1n, rowAt(paneLimit, -1n));
  expect(shown(panes, { function: 'firstN', limit: 1 })).toEqual([1n]);
  expect(shown(panes, { function: 'lastN', limit: 2 })).toEqual([-1n, BigInt(paneLimit - 1)]);
  panes.insert(0, -2n, rowAt(0, -2n));
  expect(panes.overflows).toBe(2);
  expect(shown(panes, { function: 'first' })).toEqual([1n]);
  expect([retract(panes, 0n, 0), retract(panes, -2n, 0), retract(panes, 1n, 1)]).toEqual([false, false, true]);
  expect(panes.window.isEmpty).toBe(false);
});

test('recent: the oldest row is dropped, and its value falls back to a newer one or goes', () => {
  const panes = full({ kind: 'recent', type, appendOnly: false });
  panes.insert(0, 0n, rowAt(paneLimit, 0n));
  panes.insert(0, 5n, rowAt(paneLimit + 1, 5n));
  expect(panes.overflows).toBe(2);
  const all = shown(panes, { function: 'lastDistinct', limit: 2 * paneLimit });
  expect(all).toHaveLength(paneLimit - 1);
  expect(all.slice(0, 3)).toEqual([5n, 0n, BigInt(paneLimit - 1)]);
  expect(all.at(-1)).toBe(2n);
  panes.insert(0, 9n, rowAt(-5, 9n));
  expect(panes.overflows).toBe(3);
  expect([retract(panes, 9n, -5), retract(panes, 5n, 5)]).toEqual([false, true]);
});

test('times: all rows of the oldest time are dropped', () => {
  const panes = full({ kind: 'times', appendOnly: false });
  panes.insert(0, true, rowAt(0, 1n));
  panes.insert(0, true, rowAt(paneLimit + 5, 1n));
  expect(panes.overflows).toBe(2);
  panes.insert(0, true, rowAt(-1, 1n));
  expect(panes.overflows).toBe(3);
  expect(retract(panes, 0n, 0)).toBe(false);
  panes.move(0);
  expect(panes.window.isEmpty).toBe(true);
});

test('quantiles: a sketch refuses new buckets', () => {
  const float64 = { kind: 'float64' } as const;
  const panes = new Panes({ kind: 'quantiles', type: float64, exactLimit: 10, accuracy: 0.0001 }, 1);
  panes.move(0);
  for (let i = 0; i < paneLimit + 500; i++) panes.insert(0, 1.0005 ** i, rowAt(i, 1n));
  expect(panes.overflows).toBe(500);
  const { window, panes: own } = panes.results({ function: 'percentile', fraction: 1, scale: null }, 0);
  expect(window).toBe(own[0]);
  expect(Math.abs((window as number) / 1.0005 ** (paneLimit - 1) - 1)).toBeLessThan(0.0001);
});

test('a window holds whatever its panes do, beyond the limit of one', () => {
  const panes = full({ kind: 'values', type, keep: null });
  panes.move(1);
  panes.insert(1, BigInt(paneLimit), rowAt(0, 1n));
  expect(panes.overflows).toBe(0);
  expect(panes.results({ function: 'distinctCount' }, 0).window).toBe(BigInt(paneLimit + 1));
});
