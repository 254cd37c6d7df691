/** What each aggregate of the language means in the plan. */
import { describe, expect, test } from 'vitest';
import type { ValueType } from '../../../src/define/column.ts';
import type { AggregateState, ResultPlan } from '../../../src/define/plan.ts';
import {
  approxDistinctCount,
  bottomValues,
  count,
  distinctCount,
  eq,
  featureView,
  first,
  firstN,
  histogram,
  isNull,
  last,
  lastDistinct,
  lastN,
  latest,
  max,
  mean,
  min,
  percentile,
  ratio,
  sliding,
  stddev,
  sum,
  timeSinceLast,
  topK,
  topValues,
  tumbling,
  unbounded,
  variance,
  type Feature,
} from '../../../src/index.ts';
import { from, orders, planOf, user, viewOf, type Inputs, type View } from '../../support/define-view.ts';

const w = tumbling('5m');
const [i64, f64, word]: ValueType[] = [{ kind: 'int64' }, { kind: 'float64' }, { kind: 'text' }];
const list = (element: ValueType): ValueType => ({ kind: 'list', element }) as ValueType;
const price: ValueType = { kind: 'decimal', precision: 12, scale: 2 };
const longPrice: ValueType = { kind: 'decimal', precision: 38, scale: 2 };

type Case = readonly [string, (inputs: Inputs) => Feature, AggregateState['kind'], ResultPlan, ValueType, unknown];

const cases: readonly Case[] = [
  ['count', ({ o }) => count(o).over(w), 'count', { function: 'count' }, i64!, 0n],
  ['count of values', ({ o }) => count(o.word).over(w), 'count', { function: 'count' }, i64!, 0n],
  ['sum of int32', ({ o }) => sum(o.small).over(w), 'sum', { function: 'sum', scale: 0 }, i64!, null],
  [
    'sum of int64',
    ({ o }) => sum(o.id).over(w),
    'sum',
    { function: 'sum', scale: 0 },
    { ...longPrice, scale: 0 },
    null,
  ],
  ['sum of decimals', ({ o }) => sum(o.price).over(w), 'sum', { function: 'sum', scale: 2 }, longPrice, null],
  [
    'sum of very long decimals',
    ({ o }) => sum(o.wide).over(w),
    'sum',
    { function: 'sum', scale: 3 },
    { kind: 'decimal', precision: 60, scale: 3 },
    null,
  ],
  ['sum of doubles', ({ o }) => sum(o.real).over(w), 'sum', { function: 'sum', scale: null }, f64!, null],
  ['mean', ({ o }) => mean(o.price).over(w), 'sum', { function: 'mean', scale: 2 }, f64!, null],
  [
    'variance',
    ({ o }) => variance(o.small).over(w),
    'moments',
    { function: 'variance', population: false, scale: 0 },
    f64!,
    null,
  ],
  [
    'stddev',
    ({ o }) => stddev(o.real, { population: true }).over(w),
    'moments',
    { function: 'stddev', population: true, scale: null },
    f64!,
    null,
  ],
  ['min', ({ o }) => min(o.word).over(w), 'values', { function: 'min' }, word!, null],
  ['max', ({ o }) => max(o.price).over(w), 'values', { function: 'max' }, price, null],
  [
    'topValues',
    ({ o }) => topValues(o.price, { limit: 3 }).over(w),
    'values',
    { function: 'topValues', limit: 3 },
    list(price),
    [],
  ],
  [
    'bottomValues',
    ({ o }) => bottomValues(o.price, { limit: 3 }).over(w),
    'values',
    { function: 'bottomValues', limit: 3 },
    list(price),
    [],
  ],
  ['distinctCount', ({ o }) => distinctCount(o.word).over(w), 'values', { function: 'distinctCount' }, i64!, 0n],
  ['first', ({ o }) => first(o.word).over(w), 'ordered', { function: 'first' }, word!, null],
  ['last', ({ o }) => last(o.word).over(w), 'ordered', { function: 'last' }, word!, null],
  ['latest', ({ o }) => latest(o.word).over(w), 'ordered', { function: 'last' }, word!, null],
  [
    'firstN',
    ({ o }) => firstN(o.word, { limit: 2 }).over(w),
    'ordered',
    { function: 'firstN', limit: 2 },
    list(word!),
    [],
  ],
  [
    'lastN',
    ({ o }) => lastN(o.word, { limit: 2 }).over(w),
    'ordered',
    { function: 'lastN', limit: 2 },
    list(word!),
    [],
  ],
  [
    'lastDistinct',
    ({ o }) => lastDistinct(o.word, { limit: 5 }).over(w),
    'recent',
    { function: 'lastDistinct', limit: 5 },
    list(word!),
    [],
  ],
  ['topK', ({ o }) => topK(o.word, { k: 3 }).over(w), 'frequencies', { function: 'topK', limit: 3 }, list(word!), []],
  [
    'percentile',
    ({ o }) => percentile(o.price, 0.9).over(w),
    'quantiles',
    { function: 'percentile', fraction: 0.9, scale: 2 },
    f64!,
    null,
  ],
  [
    'histogram',
    ({ o }) => histogram(o.price, ['1.00', '10.00']).over(w),
    'histogram',
    { function: 'histogram' },
    list(i64!),
    [],
  ],
  ['ratio', ({ o }) => ratio(o.flag).over(w), 'ratio', { function: 'ratio' }, f64!, null],
  ['timeSinceLast', ({ o }) => timeSinceLast(o).over(w), 'times', { function: 'timeSinceLast' }, f64!, null],
  [
    'approxDistinctCount',
    ({ c }) => approxDistinctCount(c.word).over(w),
    'hyperloglog',
    { function: 'approxDistinctCount' },
    i64!,
    0n,
  ],
];

describe('meaning', () => {
  test.each(cases)('%s', (_, feature, state, result, type, empty) => {
    const view = planOf(viewOf((inputs) => ({ f: feature(inputs) })));
    const [planned] = view.features;
    expect(planned).toMatchObject({ kind: 'aggregated', name: 'f', aggregate: 0, result, type, fallback: empty });
    expect(view.aggregates[0]!.state.kind).toBe(state);
  });

  test('parameters and their defaults are part of the state', () => {
    const view = planOf(
      viewOf(({ c, o }) => ({
        a: percentile(o.price, 0.5).over(w),
        b: percentile(o.price, 0.5, { exactLimit: 10, accuracy: 0.05 }).over(w),
        c: approxDistinctCount(c.word).over(w),
        d: approxDistinctCount(c.word, { precision: 14 }).over(w),
        e: histogram(o.price, ['1.5', '10.00']).over(w),
      })),
    );
    expect(view.aggregates.map(({ state }) => state)).toMatchObject([
      { exactLimit: 1000, accuracy: 0.01 },
      { exactLimit: 10, accuracy: 0.05 },
      { precision: 12 },
      { precision: 14 },
      { bounds: [150n, 1000n] },
    ]);
  });

  test('a default stands where there would be null', () => {
    const view = planOf(
      viewOf(({ o }) => ({ a: sum(o.price).over(w).default('0.5'), b: min(o.word).over(w).default('') })),
    );
    expect(view.features.map(({ fallback }) => fallback)).toEqual([50n, '']);
  });
});

describe('sharing', () => {
  test('features that need the same aggregation share it, whatever their windows', () => {
    const where = ({ o }: Inputs): object => ({ where: eq(o.word, 'x') });
    const view = planOf(
      viewOf((inputs) => ({
        a: min(inputs.o.price).over(w),
        b: max(inputs.o.price).over(sliding('1h')),
        c: topValues(inputs.o.price, { limit: 9 }).over(unbounded()),
        d: max(inputs.o.price, where(inputs)).over(w),
        e: min(inputs.o.price, where(inputs)).over(w),
        f: max(inputs.c.price).over(w),
        g: max(inputs.o.small).over(w),
        h: sum(inputs.o.price).over(w),
        i: mean(inputs.o.price).over(w),
      })),
    );
    const shared = view.features.map((feature) => (feature.kind === 'aggregated' ? feature.aggregate : null));
    expect(shared).toEqual([0, 0, 0, 1, 1, 2, 3, 4, 4]);
    expect(new Set(view.aggregates.map(({ id }) => id)).size).toBe(view.aggregates.length);
  });

  test('one input under two names is one', () => {
    const twice = { a: from.o, b: orders.by({ user_id: 'user_id' }) };
    const view = featureView('v', {
      entity: user,
      from: twice,
      features: ({ a, b }) => ({
        x: count(a, { where: isNull(a.word) }).over(w),
        y: count(b, { where: isNull(b.word) }).over(w),
      }),
    });
    expect(planOf(view as unknown as View).aggregates).toHaveLength(1);
  });

  test('of an append-only table only what can still be shown is kept', () => {
    const features = (t: Inputs['o'] | Inputs['c']): object => ({
      a: min(t.price).over(w),
      b: topValues(t.price, { limit: 3 }).over(w),
      c: first(t.word).over(w),
      d: lastN(t.word, { limit: 2 }).over(w),
      e: distinctCount(t.word).over(w),
    });
    const keeps = (view: View): unknown[] =>
      planOf(view).aggregates.map(({ state }) => (state as { keep: unknown }).keep);
    expect(keeps(viewOf(({ c }) => features(c)))).toEqual([
      { end: 'lowest', limit: 1 },
      { end: 'highest', limit: 3 },
      { end: 'first', limit: 1 },
      { end: 'last', limit: 2 },
      null,
    ]);
    // The same of a table whose rows can be taken back: values and words in their two orders.
    expect(keeps(viewOf(({ o }) => features(o)))).toEqual([null, null, null]);
  });
});
