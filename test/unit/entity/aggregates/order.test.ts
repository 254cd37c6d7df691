/** Values in their order and rows in theirs: what comes first, what is last, and what cannot be taken back. */
import { expect, test } from 'vitest';
import type { Scalar, Value } from '../../../../src/define/column.ts';
import type { AggregateState, ResultPlan } from '../../../../src/define/plan.ts';
import type { Aggregate, RowOrder } from '../../../../src/entity/aggregates/aggregate.ts';
import { createAggregate } from '../../../../src/entity/aggregates/create-aggregate.ts';
import { resultOf } from '../../../../src/entity/aggregates/results.ts';
import { alone, bytesOf, reloaded, rowAt } from '../../../support/aggregate-panes.ts';

const text = { kind: 'text' } as const;
const float64 = { kind: 'float64' } as const;
const values: AggregateState = { kind: 'values', type: float64, keep: null };
const ordered: AggregateState = { kind: 'ordered', type: text, keep: null };
const recent: AggregateState = { kind: 'recent', type: text, appendOnly: false };

function paneOf(state: AggregateState, rows: readonly (readonly [Value, RowOrder])[]): Aggregate {
  const pane = createAggregate(state, 'pane');
  for (const [value, at] of rows) pane.insert(value, at, alone);
  return pane;
}

const ofValues = (state: AggregateState, all: readonly Value[]): Aggregate =>
  paneOf(
    state,
    all.map((value, i) => [value, rowAt(i, BigInt(i))]),
  );
const show = (pane: Aggregate, name: 'min' | 'max' | 'first' | 'last' | 'distinctCount'): Value =>
  resultOf({ function: name }, pane, 0);
const list = (pane: Aggregate, name: 'firstN' | 'lastN' | 'lastDistinct' | 'topK', limit: number): Value =>
  resultOf({ function: name, limit }, pane, 0);

test('NaN is the largest of doubles, and can be taken back', () => {
  const pane = ofValues(values, [5, Number.NaN, Infinity, Number.NaN]);
  expect(show(pane, 'max')).toBeNaN();
  const retract = (): boolean => pane.retract(Number.NaN, rowAt(0), alone);
  expect([retract(), retract(), retract()]).toEqual([true, true, false]);
  expect([show(pane, 'min'), show(pane, 'max')]).toEqual([5, Infinity]);
});

test('-0 is 0: one value, the same bytes', () => {
  const pane = ofValues(values, [-0, 0]);
  expect([show(pane, 'min'), show(pane, 'distinctCount')]).toEqual([0, 1n]);
  expect(bytesOf(pane)).toBe(bytesOf(ofValues(values, [0, -0])));
  expect([pane.retract(0, rowAt(0), alone), pane.retract(-0, rowAt(0), alone)]).toEqual([true, true]);
  expect(pane.isEmpty).toBe(true);
});

test('ids that are the same double are two values', () => {
  const int64 = { kind: 'int64' } as const;
  const pane = ofValues({ kind: 'values', type: int64, keep: null }, [2n ** 53n, 2n ** 53n + 1n]);
  expect([show(pane, 'distinctCount'), show(pane, 'max')]).toEqual([2n, 9_007_199_254_740_993n]);
});

test('texts are in the order of code points', () => {
  const pane = ofValues({ kind: 'values', type: text, keep: null }, ['🦊', '\uffff', 'a', 'B']);
  expect([show(pane, 'min'), show(pane, 'max')]).toEqual(['B', '🦊']);
});

test('rows are in the order of event time, then of the parts of their primary keys, never of arrival', () => {
  const rows = [
    ['third', rowAt(5, 10n, 'a')],
    ['last', rowAt(6, 1n, 'a')],
    ['second', rowAt(5, 9n, 'b')],
    ['first', rowAt(5, 9n, 'a')],
  ] as const;
  for (const pane of [paneOf(ordered, rows), paneOf(ordered, rows.toReversed())]) {
    expect(list(pane, 'firstN', 9)).toEqual(['first', 'second', 'third', 'last']);
    expect(list(pane, 'lastN', 2)).toEqual(['last', 'third']);
    expect([show(pane, 'first'), show(pane, 'last')]).toEqual(['first', 'last']);
  }
});

test('a row whose new value comes before its old one goes keeps the new one', () => {
  const at = rowAt(5, 1n);
  const pane = paneOf(ordered, [
    ['old', at],
    ['new', at],
  ]);
  expect(pane.retract('old', at, alone)).toBe(true);
  expect([show(pane, 'first'), show(pane, 'last')]).toEqual(['new', 'new']);
  expect(pane.retract('old', at, alone)).toBe(false);
});

test('a value falls back to its next newest row when the newest is taken back', () => {
  const pane = paneOf(recent, [
    ['Oslo', rowAt(1, 1n)],
    ['Rome', rowAt(2, 2n)],
    ['Oslo', rowAt(3, 3n)],
  ]);
  expect(list(pane, 'lastDistinct', 5)).toEqual(['Oslo', 'Rome']);
  expect(pane.retract('Oslo', rowAt(3, 3n), alone)).toBe(true);
  expect(list(pane, 'lastDistinct', 5)).toEqual(['Rome', 'Oslo']);
  expect(pane.retract('Oslo', rowAt(1, 1n), alone)).toBe(true);
  expect(list(pane, 'lastDistinct', 5)).toEqual(['Rome']);
});

test('of values that are there equally often the smaller comes first', () => {
  const pane = ofValues({ kind: 'frequencies', type: text }, ['b', 'c', 'a', 'c', 'b', null]);
  expect(list(pane, 'topK', 2)).toEqual(['b', 'c']);
  expect(pane.retract('b', rowAt(0), alone)).toBe(true);
  expect(list(pane, 'topK', 9)).toEqual(['c', 'a', 'b']);
});

test('a value on a bound of a histogram counts above it', () => {
  const pane = ofValues({ kind: 'histogram', type: float64, bounds: [0, 10] }, [-1, -0, 5, 10, Number.NaN, null]);
  expect(resultOf({ function: 'histogram' }, pane, 0)).toEqual([1n, 2n, 2n]);
});

test('event times of any year, and of none, survive', () => {
  const times = [-Infinity, -5_400_000_000_000_000, -1, 0, 1_714_557_600_123_456, 7_258_118_400_000_001];
  for (const state of [ordered, recent, { kind: 'times', appendOnly: false } as const]) {
    const rows = times.map((time, i) => [`${i}`, rowAt(time, BigInt(i))] as const);
    const pane = paneOf(state, rows);
    const copy = reloaded(state, pane);
    expect(bytesOf(copy)).toBe(bytesOf(pane));
    for (const [value, at] of rows) expect(copy.retract(value, at, alone)).toBe(true);
    expect(copy.isEmpty).toBe(true);
  }
});

test('primary keys of any type survive', () => {
  const key: Scalar[] = [2n ** 62n, -5, 0.5, 'é', true, false];
  const pane = paneOf(ordered, [['x', rowAt(1, ...key)]]);
  expect(reloaded(ordered, pane).retract('x', rowAt(1, ...key), alone)).toBe(true);
});

test('seconds since the last row are those from its event time to T', () => {
  const pane = paneOf({ kind: 'times', appendOnly: false }, [
    [true, rowAt(2_500_000)],
    [true, rowAt(1_000_000)],
  ]);
  const since = { function: 'timeSinceLast' } as const;
  expect(resultOf(since, pane, 4_000_000)).toBe(1.5);
  pane.retract(true, rowAt(2_500_000), alone);
  expect(resultOf(since, pane, 4_000_000)).toBe(3);
});

const everyState: readonly AggregateState[] = [
  { kind: 'count' },
  { kind: 'sum', type: float64 },
  { kind: 'sum', type: { kind: 'int32' } },
  { kind: 'moments', type: float64 },
  { kind: 'moments', type: { kind: 'int32' } },
  { kind: 'ratio' },
  { kind: 'histogram', type: float64, bounds: [3] },
  values,
  { kind: 'frequencies', type: float64 },
  { kind: 'quantiles', type: float64, exactLimit: 5, accuracy: 0.01 },
  { kind: 'ordered', type: float64, keep: null },
  { kind: 'recent', type: float64, appendOnly: false },
  { kind: 'times', appendOnly: false },
];

test.each(everyState)(
  '$kind: nothing is taken back that is not there, and null is neither there nor missed',
  (state) => {
    const pane = createAggregate(state, 'pane');
    pane.insert(null, rowAt(0, 1n), alone);
    expect(pane.isEmpty).toBe(true);
    const refuse = { ...alone, retract: () => expect.unreachable() };
    expect(pane.retract(null, rowAt(0, 1n), refuse)).toBe(true);
    expect(pane.retract(5, rowAt(0, 1n), refuse)).toBe(false);
    expect(bytesOf(pane)).toBe(bytesOf(createAggregate(state, 'pane')));
  },
);

test('a result of another kind of aggregate is refused', () => {
  const results: ResultPlan[] = [{ function: 'min' }, { function: 'sum', scale: 0 }];
  for (const result of results)
    expect(() => resultOf(result, createAggregate({ kind: 'count' }, 'pane'), 0)).toThrow('the plan has a Count');
});
