/** What is refused of aggregates and windows, and how the message says so. */
import { expect, test } from 'vitest';
import {
  approxDistinctCount,
  count,
  custom,
  histogram,
  hopping,
  int64,
  last,
  lastN,
  max,
  mean,
  mul,
  percentile,
  ratio,
  session,
  sliding,
  sum,
  topK,
  tumbling,
  unbounded,
  type Duration,
  type Feature,
} from '../../../src/index.ts';
import { any, faultsOf, type Inputs } from '../../support/define-view.ts';

const w = tumbling('5m');

const over = (features: (inputs: Inputs) => Feature) => (inputs: Inputs) => ({ f: features(inputs) });
const window = (make: () => Parameters<ReturnType<typeof count<true>>['over']>[0]) =>
  over(({ o }) => count(o).over(make()));

const refused: readonly (readonly [string, (inputs: Inputs) => object, string])[] = [
  [
    'the sum of text',
    over(({ o }) => sum(any(o.word)).over(any(w))),
    'v.features.f: sum takes numbers (int32, int64, decimal, float64), not text',
  ],
  [
    'the mean of times',
    over(({ o }) => mean(any(o.at)).over(any(w))),
    'v.features.f: mean takes numbers (int32, int64, decimal, float64), not timestamp',
  ],
  [
    'the ratio of numbers',
    over(({ o }) => ratio(any(o.small)).over(any(w))),
    'v.features.f: ratio takes a condition, not int32',
  ],
  [
    'a limit of 0',
    over(({ o }) => lastN(o.word, { limit: 0 }).over(w)),
    'v.features.f: limit is 0; it must be a whole number from 1 to 1000',
  ],
  [
    'a limit that is none',
    over(({ o }) => lastN(o.word, any({})).over(w)),
    'v.features.f: limit is undefined; it must be a whole number from 1 to 1000',
  ],
  [
    'a k of 1.5',
    over(({ o }) => topK(o.word, { k: 1.5 }).over(w)),
    'v.features.f: k is 1.5; it must be a whole number from 1 to 1000',
  ],
  [
    'a fraction above 1',
    over(({ o }) => percentile(o.price, 95).over(w)),
    'v.features.f: fraction is 95; it must be a number from 0 to 1',
  ],
  [
    'an accuracy of 0',
    over(({ o }) => percentile(o.price, 0.5, { accuracy: 0 }).over(w)),
    'v.features.f: accuracy is 0; it must be a number from 0.001 to 0.1',
  ],
  [
    'an exact limit of 0',
    over(({ o }) => percentile(o.price, 0.5, { exactLimit: 0 }).over(w)),
    'v.features.f: exactLimit is 0; it must be a whole number from 1 to 10000',
  ],
  [
    'no bounds',
    over(({ o }) => histogram(o.price, []).over(w)),
    'v.features.f: histogram has 0 bounds; it takes 1 to 999',
  ],
  [
    'bounds that fall',
    over(({ o }) => histogram(o.small, [1, 5, 5]).over(w)),
    'v.features.f: the bounds of histogram must ascend; 5 does not',
  ],
  [
    'a bound of another type',
    over(({ o }) => histogram(o.price, ['x']).over(w)),
    'v.features.f: "x" is not a decimal number',
  ],
  [
    'a precision of 20',
    over(({ c }) => approxDistinctCount(c.word, { precision: 20 }).over(w)),
    'v.features.f: precision is 20; it must be a whole number from 4 to 16',
  ],
  [
    'a sketch that would have to take rows back',
    over(({ o }) => approxDistinctCount(o.word).over(w)),
    'v.features.f: approxDistinctCount cannot take a row back: declare the table appendOnly: true if its rows are never changed, or use distinctCount',
  ],
  [
    'a list where a value belongs',
    over(({ o }) =>
      any(
        max(o.small)
          .over(w)
          .default(any([1])),
      ),
    ),
    'v.features.f.default: a list is not a literal of type int32',
  ],
  [
    'a value where a list belongs',
    over(({ o }) => any(lastN(o.small, { limit: 1 }).over(w).default(any(1)))),
    'v.features.f.default: 1 is not a list',
  ],
  [
    'a default of a count',
    over(({ o }) => count(o).over(w).default(1n)),
    'v.features.f.default: count is never null, but 0 where there is nothing: a default is never used',
  ],
  [
    'a default of a list',
    over(({ o }) => lastN(o.word, { limit: 1 }).over(w).default(['a'])),
    'v.features.f.default: lastN is never null, but [] where there is nothing: a default is never used',
  ],
  [
    'a window of an untimed table',
    over(({ n }) => count(n).over(any(w))),
    'v.features.f: has a window, but table public.notes declares no event time (time: { event: … })',
  ],
  [
    'an order of an untimed table',
    over(({ n }) => last(any(n.word)).over(unbounded())),
    'v.features.f: last goes by the time of rows, but table public.notes declares no event time (time: { event: … })',
  ],
  [
    'a value that reads no column',
    over(() => sum(any(custom(int64(), 'one', [], () => 1n))).over(any(w))),
    'v.features.f: aggregates an expression that reads no column; count(…) counts rows',
  ],
  [
    'values of two inputs',
    over(({ o, c }) => sum(mul(o.small, c.small)).over(w)),
    'v.features.f: aggregates rows of "o", but reads a column of "c" too',
  ],
  [
    'a window of half a second',
    window(() => tumbling('500ms')),
    'v.features.f.over: the window size must be from 1s to 400d',
  ],
  ['a window of 401 days', window(() => sliding('401d')), 'v.features.f.over: the window size must be from 1s to 400d'],
  ['a gap of nothing', window(() => session('0s')), 'v.features.f.over: the gap must be from 1s to 400d'],
  [
    'a hop that does not divide',
    window(() => hopping('15m', '4m')),
    'v.features.f.over: the window size must be a multiple of the hop',
  ],
  ['a hop of nothing', window(() => hopping('15m', '0s')), 'v.features.f.over: the hop must be from 1s to 400d'],
  [
    'a resolution above the size',
    window(() => sliding('5m', { resolution: '6m' })),
    'v.features.f.over: the resolution must not be longer than the window size',
  ],
  [
    'what is no window',
    window(() => any({ kind: 'rolling' })),
    'v.features.f.over: is no window; take tumbling, hopping, sliding, session or unbounded',
  ],
];

test.each(refused)('%s is refused with its path', (_, features, fault) => {
  expect(faultsOf(features)[0]).toBe(fault);
});

test('without an event time there are all rows', () => {
  expect(faultsOf(({ n }) => ({ a: count(n).over(unbounded()), b: max(n.price).over(unbounded()) }))).toEqual([]);
});

test.each([
  ['5m', 1_000_000],
  ['1s', 1_000_000],
  ['400s', 1_333_333],
  ['1h', 12_000_000],
  ['30d', 8_640_000_000],
] as const)('the resolution of %s is %d µs', (size, resolution_us) => {
  expect(sliding(size as Duration)).toMatchObject({ resolution_us });
});
