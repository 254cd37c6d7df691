/** Derived columns and features, when values are given out, and what the version of a view is made of. */
import { describe, expect, test } from 'vitest';
import { buildPlan } from '../../../src/define/plan-builder.ts';
import {
  count,
  custom,
  div,
  eq,
  featureView,
  hopping,
  isNull,
  lastN,
  mean,
  session,
  sliding,
  sum,
  text,
  topK,
  tumbling,
  upper,
} from '../../../src/index.ts';
import { any, columns, faultsOf, planOf, shop, time, user, viewOf, type Inputs } from '../../support/define-view.ts';

const w = tumbling('5m');

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
