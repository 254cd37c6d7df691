/** What a plan holds, and what its versions depend on. */
import { expect, test } from 'vitest';
import type { InputReference } from '../../../src/define/aggregate.ts';
import type { Expression } from '../../../src/define/expression.ts';
import { buildPlan } from '../../../src/define/plan-builder.ts';
import {
  count,
  debezium,
  entity,
  eq,
  featureView,
  int64,
  max,
  min,
  text,
  timestamp,
  tumbling,
  type FeatureView,
} from '../../../src/index.ts';

const user = entity('user', { key: { user_id: int64() } });
const merchant = entity('merchant', { key: { name: text() } });
const shop = debezium({ prefix: 'p' });

function tableOf(name: string, columns: object = {}) {
  const all = { id: int64(), user_id: int64(), name: text(), at: timestamp(6), ...columns };
  return shop.table(name, { columns: all, primaryKey: ['id'], time: { event: 'at' } });
}

const orders = tableOf('public.orders');
const visits = tableOf('public.visits');

function viewOf(features: (tx: never) => object, name = 'view', from = orders): FeatureView {
  const options = {
    entity: user,
    from: { tx: from.by({ user_id: 'user_id' }) },
    features: ({ tx }: { tx: never }) => features(tx),
  };
  return featureView(name, options as never);
}

/** Columns of an input, as a definition without types sees them. */
type Tx = InputReference<true> & Readonly<Record<'id' | 'name' | 'at', Expression<never, true>>>;

const counted = (tx: Tx): object => ({ n: count(tx).over(tumbling('5m')) });
const hashOf = (view: FeatureView, exported = 'v'): string =>
  buildPlan({ [exported]: view }).entities[0]!.views[0]!.hash;

/** Functions apart. */
const text_ = (plan: unknown): string =>
  JSON.stringify(plan, (_, part: unknown) => (typeof part === 'bigint' ? `${part}n` : part));

const a = viewOf(counted, 'a', visits);
const b = viewOf((tx: Tx) => ({ newest: max(tx.at).over(tumbling('1h')) }), 'b');
const c = featureView('c', {
  entity: merchant,
  from: { v: visits.by({ name: 'name' }), o: orders.by({ name: 'name' }) },
  features: ({ v, o }) => ({ visits: count(v).over(tumbling('5m')), orders: count(o).over(tumbling('5m')) }),
});

test('the plan does not depend on the order or the names of the exports', () => {
  const plan = text_(buildPlan({ a, b, c }));
  expect(text_(buildPlan({ c, b, a }))).toBe(plan);
  expect(text_(buildPlan({ b, a, c }))).toBe(plan);
  expect(text_(buildPlan({ x: c, y: b, z: a }))).toBe(plan);
});

test('entities, tables and views stand in the order of their names', () => {
  const plan = buildPlan({ c, b, a });
  expect(plan.entities.map(({ name }) => name)).toEqual(['merchant', 'user']);
  expect(plan.entities[1]!.tables.map(({ name }) => name)).toEqual(['public.orders', 'public.visits']);
  expect(plan.entities[1]!.views.map(({ name, index }) => [name, index])).toEqual([
    ['a', 0],
    ['b', 1],
  ]);
});

test('durations become microseconds, and those not given their defaults', () => {
  const [planned] = buildPlan({ a }).entities;
  expect(planned!.tables[0]!.time).toEqual({
    column: 3,
    outOfOrderness_us: 0,
    maxAhead_us: 60_000_000,
    idleTimeout_us: 1_000_000,
    allowedLateness_us: 0,
  });
});

test('an empty count is 0, every other empty feature null, unless a default is given', () => {
  const view = viewOf((tx: Tx) => ({
    n: count(tx).over(tumbling('5m')),
    highest: max(tx.id).over(tumbling('5m')),
    lowest: min(tx.id)
      .over(tumbling('5m'))
      .default(7n as never),
  }));
  expect(buildPlan({ view }).entities[0]!.views[0]!.features.map(({ fallback }) => fallback)).toEqual([0n, null, 7n]);
});

test('the version of a view does not depend on the name of its export', () => {
  expect(hashOf(viewOf(counted), 'other')).toBe(hashOf(viewOf(counted), 'v'));
});

test('the version of a view does not depend on the views beside it', () => {
  const [, user_] = buildPlan({ a, b, c }).entities;
  expect(user_!.views.map(({ hash }) => hash)).toEqual([hashOf(a), hashOf(b)]);
});

const counts = (size: '5m' | '6m', options?: object) => (tx: Tx) => ({ n: count(tx, options).over(tumbling(size)) });
const lowest = (value?: unknown) => (tx: Tx) => {
  const feature = min(tx.id).over(tumbling('5m'));
  return { n: value === undefined ? feature : feature.default(value as never) };
};
const filtered = (literal: string) => (tx: Tx) => ({
  n: count(tx, { where: eq(tx.name, literal as never) }).over(tumbling('5m')),
});

test('the version of a view changes with everything that decides its values', () => {
  const versions = [
    viewOf(counts('5m')),
    viewOf(counts('6m')),
    viewOf(counts('5m'), 'renamed'),
    viewOf(counts('5m'), 'view', visits),
    viewOf(counts('5m'), 'view', tableOf('public.orders', { more: text() })),
    viewOf((tx: Tx) => ({ m: count(tx).over(tumbling('5m')) })),
    viewOf((tx: Tx) => ({ n: max(tx.id).over(tumbling('5m')) })),
    viewOf(lowest()),
    viewOf(lowest(0n)),
    viewOf(lowest(1n)),
    viewOf(filtered('ok')),
    viewOf(filtered('no')),
    viewOf((tx: Tx) => ({ ...counts('5m')(tx), second: count(tx).over(tumbling('5m')) })),
  ].map((view) => hashOf(view));
  expect(new Set(versions).size).toBe(versions.length);
});
