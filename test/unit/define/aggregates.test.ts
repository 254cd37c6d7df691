/** What each aggregate of the language means in the plan, and what is refused. */
import { describe, expect, test } from 'vitest';
import type { ValueType } from '../../../src/define/column.ts';
import type { AggregateState, ResultPlan, ViewPlan } from '../../../src/define/plan.ts';
import { buildPlan } from '../../../src/define/plan-builder.ts';
import { InvalidError } from '../../../src/errors.ts';
import {
  approxDistinctCount,
  bottomValues,
  boolean,
  count,
  custom,
  debezium,
  decimal,
  distinctCount,
  div,
  entity,
  eq,
  featureView,
  first,
  firstN,
  float64,
  histogram,
  hopping,
  int32,
  int64,
  isNull,
  last,
  lastDistinct,
  lastN,
  latest,
  max,
  mean,
  min,
  mul,
  percentile,
  ratio,
  session,
  sliding,
  stddev,
  sum,
  text,
  timeSinceLast,
  timestamp,
  topK,
  topValues,
  tumbling,
  unbounded,
  upper,
  variance,
  type Duration,
  type Feature,
  type FeatureView,
} from '../../../src/index.ts';

const user = entity('user', { key: { user_id: int64() } });
const shop = debezium({ prefix: 'p' });
const columns = {
  ...{ id: int64(), user_id: int64(), small: int32(), price: decimal(12, 2), wide: decimal(60, 3), real: float64() },
  ...{ word: text().nullable(), flag: boolean(), at: timestamp(6) },
};
const time = { event: 'at' } as const;
const orders = shop.table('public.orders', {
  columns,
  primaryKey: ['id'],
  time,
  derived: (c) => ({ total: mul(c.price, c.small), shout: upper(c.word) }),
});
const clicks = shop.table('public.clicks', { columns, primaryKey: ['id'], time, appendOnly: true });
const notes = shop.table('public.notes', { columns, primaryKey: ['id'] });
const from = {
  o: orders.by({ user_id: 'user_id' }),
  c: clicks.by({ user_id: 'user_id' }),
  n: notes.by({ user_id: 'user_id' }),
};

type View = FeatureView<Readonly<Record<string, Feature>>, typeof user.key>;
type Inputs = Parameters<Parameters<typeof featureView<typeof user.key, typeof from, never>>[1]['features']>[0];

function viewOf(features: (inputs: Inputs) => object, more: object = {}): View {
  return featureView('v', { entity: user, from, features: features as never, ...more }) as unknown as View;
}

const planOf = (view: View): ViewPlan => buildPlan({ v: view }).entities[0]!.views[0]!;

function faultsOf(features: (inputs: Inputs) => object, more: object = {}): readonly string[] {
  try {
    planOf(viewOf(features, more));
    return [];
  } catch (error) {
    if (error instanceof InvalidError) return error.problems;
    throw error;
  }
}

/** As untyped callers can write it. */
const any = (value: unknown): never => value as never;
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
    { ...longPrice, scale: 0 } as ValueType,
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

  test('a default stands where there would be null, of lists too', () => {
    const view = planOf(
      viewOf(({ o }) => ({
        a: sum(o.price).over(w).default('0.5'),
        b: lastN(o.price, { limit: 1 }).over(w).default(['1.25']),
      })),
    );
    expect(view.features.map(({ fallback }) => fallback)).toEqual([50n, [125n]]);
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

describe('derived columns', () => {
  test('are what they are computed from', () => {
    const view = planOf(
      viewOf(({ o }) => ({ a: sum(o.total).over(w), b: count(o, { where: eq(o.shout, 'X') }).over(w) })),
    );
    const row = [1n, 1n, 3, 150n, 0n, 0, 'x', true, 0n];
    expect(view.aggregates.map(({ value, where }) => [value?.(row), where?.(row)])).toEqual([
      [450n, undefined],
      [undefined, true],
    ]);
    expect(view.features[0]!.type).toEqual({ kind: 'decimal', precision: 38, scale: 2 });
  });

  test('that are misspelt are named with those that are there', () => {
    expect(() =>
      shop.table('public.t', {
        columns,
        primaryKey: ['id'],
        derived: (c) => ({ x: upper(any((c as never)['nope'])) }),
      }),
    ).toThrow('table public.t has no column "nope"; it declares id, user_id, small, price, wide, real, word, flag, at');
  });

  test('have their faults named, also where nobody reads them', () => {
    const odd = shop.table('public.odd', {
      columns,
      primaryKey: ['id'],
      time,
      derived: (c) => ({ price: c.small, inputName: c.small, 'a-b': c.small, bad: upper(any(c.small)) }),
    });
    const view = featureView('v', {
      entity: user,
      from: { t: odd.by({ user_id: 'user_id' }) },
      features: ({ t }) => ({ n: count(t).over(w) }),
    });
    const named = 'the name must start with a letter and be letters, digits and _, and not inputName or timed';
    const path = 'v.from.t (table public.odd).derived';
    expect(() => buildPlan({ v: view })).toThrow(
      expect.objectContaining({
        problems: [
          `${path}.price: the table has a column of this name already; choose another`,
          `${path}.inputName: ${named}`,
          `${path}.a-b: ${named}`,
          `${path}.bad: upper takes text, not int32; toText(…) makes it text`,
        ],
      }),
    );
  });
});

describe('derived features', () => {
  const features = ({ o }: Inputs): object => ({
    spend: sum(o.price).over(w),
    n: count(o).over(w),
    recent: lastN(o.word, { limit: 2 }).over(w),
  });
  type Handles = Readonly<Record<'spend' | 'n' | 'recent', never>>;

  test('are computed from the values before them', () => {
    const view = planOf(
      viewOf(features, { derive: (f: Handles) => ({ ticket: div(f.spend, f.n), none: isNull(f.recent) }) }),
    );
    const [, , , ticket, none] = view.features;
    expect(ticket).toMatchObject({ kind: 'derived', name: 'ticket', type: { kind: 'float64' }, fallback: null });
    expect(ticket?.kind === 'derived' && ticket.derive([1050n, 4n, []])).toBe(2.625);
    expect(ticket?.kind === 'derived' && ticket.derive([1050n, 0n, []])).toBeNull();
    expect(none?.kind === 'derived' && none.derive([null, 0n, []])).toBe(false);
  });

  test.each([
    [
      'a name that a feature has',
      (f: Handles) => ({ n: f.n }),
      'v.derive.n: the view has a feature of this name already; choose another',
    ],
    [
      'a name for bookkeeping',
      (f: Handles) => ({ _n: f.n }),
      'v.derive._n: a feature name must start with a letter and be letters, digits and _ (a leading _ is for bookkeeping)',
    ],
    [
      'a list',
      (f: Handles) => ({ x: f.recent }),
      'v.derive.x: "recent" is a list<text>; lists cannot be computed with',
    ],
    [
      'what is no expression',
      () => ({ x: 5 }),
      'v.derive.x: is no expression; derive computes with features: div(f.spend, f.count)',
    ],
    [
      'text of a number',
      (f: Handles) => ({ x: upper(f.n) }),
      'v.derive.x: upper takes text, not int64; toText(…) makes it text',
    ],
    [
      'a column',
      () => ({ x: { node: { op: 'column', input: 'o', name: 'price' } } }),
      'v.derive.x: reads the column "price"; derive reads features only',
    ],
  ] as const)('%s is refused with its path', (_, derive, fault) => {
    expect(faultsOf(features, { derive })).toEqual([fault]);
  });

  test('a feature that the view does not have is named', () => {
    expect(() => viewOf(features, { derive: (f: Readonly<Record<string, never>>) => ({ x: f['nope'] }) })).toThrow(
      'view v has no feature "nope"; it has spend, n, recent',
    );
  });
});

describe('emit', () => {
  const tumblings = ({ o }: Inputs): object => ({ a: count(o).over(w), b: sum(o.price).over(tumbling('300s')) });
  const sessions = ({ o, c }: Inputs): object => ({ a: count(o).over(session('1m')), b: count(c).over(session('1m')) });
  const closed =
    "v.emit: 'closed' needs all features of the view over one tumbling window, or over one session window of one input";

  test.each([
    [undefined, { kind: 'changes' }],
    ['changes', { kind: 'changes' }],
    ['closed', { kind: 'closed' }],
    [{ every: '1m' }, { kind: 'every', interval_us: 60_000_000 }],
  ] as const)('%o', (emit, plan) => {
    expect(planOf(viewOf(tumblings, emit === undefined ? {} : { emit })).emit).toEqual(plan);
  });

  test.each([
    [
      'windows of two sizes',
      ({ o }: Inputs) => ({ a: count(o).over(w), b: count(o).over(tumbling('1h')) }),
      'closed',
      [closed],
    ],
    ['a window that slides', ({ o }: Inputs) => ({ a: count(o).over(sliding('1h')) }), 'closed', [closed]],
    ['sessions of two inputs', sessions, 'closed', [closed]],
    [
      'an interval that is none',
      tumblings,
      { every: '1x' },
      ['v.emit: "1x" is not a duration; write a whole number and ms, s, m, h or d, such as \'5m\''],
    ],
    ['an interval below a second', tumblings, { every: '10ms' }, ['v.emit: the interval must be from 1s to 400d']],
    [
      'an unknown word',
      tumblings,
      'never',
      ['v.emit: "undefined" is not a duration; write a whole number and ms, s, m, h or d, such as \'5m\''],
    ],
  ] as const)('%s', (_, features, emit, faults) => {
    expect(faultsOf(features, { emit })).toEqual(faults);
  });
});

test('the version of a view changes with its derived features, its emission, its parameters and derived columns', () => {
  const counted = ({ o }: Inputs): object => ({ n: count(o).over(w), s: sum(o.price).over(w) });
  const derive = (f: Readonly<Record<'n' | 's', never>>): object => ({ d: div(f.s, f.n) });
  const versions = [
    viewOf(counted),
    viewOf(counted, { derive }),
    viewOf(counted, { derive: (f: Readonly<Record<'n' | 's', never>>) => ({ d: div(f.n, f.s) }) }),
    viewOf(counted, { emit: 'closed' }),
    viewOf(counted, { emit: { every: '1m' } }),
    viewOf(({ o }) => ({ n: count(o).over(w), s: mean(o.price).over(w) })),
    viewOf(({ o }) => ({ n: count(o).over(hopping('5m', '1m')), s: mean(o.price).over(w) })),
    viewOf(({ o }) => ({ n: topK(o.word, { k: 3 }).over(w) })),
    viewOf(({ o }) => ({ n: topK(o.word, { k: 4 }).over(w) })),
    viewOf(({ o }) => ({ n: topK(o.shout, { k: 4 }).over(w) })),
    viewOf(({ o }) => ({ n: count(custom(text(), 'a', [o.word], () => 'x')).over(w) })),
    viewOf(({ o }) => ({ n: count(custom(text(), 'b', [o.word], () => 'x')).over(w) })),
  ].map((view) => planOf(view).hash);
  expect(new Set(versions).size).toBe(versions.length);
});
