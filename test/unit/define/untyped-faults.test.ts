/** A definitions file is loaded without a type check: what the compiler would refuse must be a fault with its path all the same. */
import { expect, test } from 'vitest';
import { buildPlan } from '../../../src/define/plan-builder.ts';
import { literalValue } from '../../../src/define/literal.ts';
import { type InvalidError } from '../../../src/errors.ts';
import {
  and,
  count,
  debezium,
  decimal,
  entity,
  eq,
  featureView,
  float64,
  int64,
  max,
  not,
  text,
  timestamp,
  tumbling,
  type FeatureView,
} from '../../../src/index.ts';

const user = entity('user', { key: { user_id: int64() } });
const shop = debezium({ prefix: 'p', decimals: 'string', times: 'microseconds' });
const columns = { id: int64(), user_id: int64(), status: text(), f: float64().nullable(), at: timestamp(6) };
const options = { primaryKey: ['id'], time: { event: 'at' } } as const;
const a = shop.table('public.a', { columns, ...options });
const b = shop.table('public.b', { columns, ...options });
const from = { a: a.by({ user_id: 'user_id' }), b: b.by({ user_id: 'user_id' }) };
const window = tumbling('5m');

type Handles = Parameters<Parameters<typeof featureView<typeof user.key, typeof from, never>>[1]['features']>[0];

function viewOf(features: (inputs: Handles) => object, name = 'v', online = `${name}:{user_id}`): FeatureView {
  return featureView(name, { entity: user, from, features: features as never, online: { key: online } });
}

function faultsOf(...views: readonly FeatureView[]): readonly string[] {
  try {
    buildPlan(Object.fromEntries(views.map((view) => [view.name, view])));
    return [];
  } catch (error) {
    return (error as InvalidError).problems;
  }
}

test('a filter over another input', () => {
  const faults = faultsOf(viewOf(({ a, b }) => ({ n: count(a, { where: eq(b.status, 'x') }).over(window) })));
  expect(faults).toEqual(['v.features.n: aggregates rows of "a", but reads a column of "b" too']);
});

test('an aggregate without its window', () => {
  expect(faultsOf(viewOf(({ a }) => ({ n: count(a) })))[0]).toContain(
    'v.features.n: is no feature; an aggregate needs',
  );
});

test('a misspelt column is named, with those that are there', () => {
  const misspelt = ({ a }: Handles): object => ({
    n: max((a as unknown as Record<string, typeof a.f>)['nope']!).over(window),
  });
  expect(() => viewOf(misspelt)).toThrow('table public.a has no column "nope"; it declares id, user_id, status, f, at');
});

test('a table where an input belongs', () => {
  const wrong = { entity: user, from: { a }, features: () => ({}) } as never;
  expect(() => featureView('v', wrong)).toThrow('from.a is no input; write from: { a: table.by({ … }) }');
});

test.each([
  ['and', ({ a }: Handles) => and(a.status as never)],
  ['not', ({ a }: Handles) => not(a.status as never)],
])('%s over what is no condition', (_, where) => {
  const faults = faultsOf(viewOf((inputs) => ({ n: count(inputs.a, { where: where(inputs) }).over(window) })));
  expect(faults).toEqual(['v.features.n.where: a term of and, or, not is text, not a condition']);
});

test.each(['event_timestamp', 'created_timestamp', 'user_id'])('a feature named %s, as a Parquet column is', (name) => {
  const faults = faultsOf(viewOf(({ a }) => ({ [name]: count(a).over(window) })));
  expect(faults).toEqual([`v.features.${name}: the Parquet files have a column of this name already; choose another`]);
});

test('two views that store one field under one key', () => {
  const counted = ({ a }: Handles): object => ({ n: count(a).over(window) });
  const faults = faultsOf(viewOf(counted, 'x', 'u:{user_id}'), viewOf(counted, 'y', 'u:{user_id}'));
  expect(faults).toEqual(['y.features.n: x stores this field under the same online key already']);
});

test('a key template whose fields stand side by side', () => {
  const pair = entity('pair', { key: { user_id: int64(), id: int64() } });
  const view = featureView('v', {
    entity: pair,
    from: { a: a.by({ user_id: 'user_id', id: 'id' }) },
    features: ({ a }) => ({ n: count(a).over(window) }),
    online: { key: 'v:{user_id}{id}' },
  });
  expect(faultsOf(view)[0]).toContain('v.online.key: "v:{user_id}{id}" has fields side by side');
});

test('one topic, defined differently for two entities', () => {
  const other = shop.table('public.a', { columns: { id: int64(), user_id: int64(), at: timestamp(6) }, ...options });
  const view = featureView('w', {
    entity: entity('other', { key: { user_id: int64() } }),
    from: { a: other.by({ user_id: 'user_id' }) },
    features: ({ a }) => ({ n: count(a).over(window) }),
  });
  const faults = faultsOf(
    viewOf(({ a }) => ({ n: count(a).over(window) })),
    view,
  );
  expect(faults).toEqual([
    'table public.a: entities user and other define it differently; define it once and use it in all views',
  ]);
});

test('a scale that is no whole number, a primary key that may be null', () => {
  const c = shop.table('public.c', {
    columns: { ...columns, id: int64().nullable(), d: decimal(12, 1.5) },
    ...options,
  });
  const view = featureView('v', {
    entity: user,
    from: { c: c.by({ user_id: 'user_id' }) },
    features: ({ c }) => ({ n: count(c).over(window) }),
  });
  const faults = faultsOf(view).map((fault) => fault.slice(fault.indexOf(').') + 2, fault.indexOf(').') + 46));
  expect(faults).toEqual(
    ['primaryKey: column "id" may be null; rows wit', 'columns.d: decimal(12, 1.5) is not possible:'].map((line) =>
      line.slice(0, 44),
    ),
  );
});

test('every twin of a view name is named', () => {
  const twin = viewOf(({ a }) => ({ n: count(a).over(window) }));
  expect(() => buildPlan({ z: twin, y: twin, x: twin })).toThrow(/z: .*taken by x\n.*y: .*taken by x/);
});

test('the version tells the defaults NaN, Infinity and none apart', () => {
  const versions = [Number.NaN, Infinity, null].map((value) => {
    const view = viewOf(({ a }) => {
      const newest = max(a.f).over(window);
      return { n: value === null ? newest : newest.default(value) };
    });
    return buildPlan({ view }).entities[0]!.views[0]!.hash;
  });
  expect(new Set(versions).size).toBe(3);
});

test.each([
  ['2024-13-45', { kind: 'date' }],
  ['2024-02-30', { kind: 'date' }],
  ['2024-02-30T00:00:00Z', { kind: 'timestamptz' }],
  ['2024-02-03T24:00:00Z', { kind: 'timestamptz' }],
  [2 ** 40, { kind: 'int32' }],
  [2n ** 70n, { kind: 'int64' }],
  ['9'.repeat(30), { kind: 'decimal', precision: 12, scale: 2 }],
] as const)('%s is no literal of its type', (value, type) => {
  expect(() => literalValue(value, type)).toThrow(RangeError);
});

test('a duration that numbers do not hold exactly', () => {
  expect(() => tumbling('99999999999999999999d')).toThrow(/285 years/);
});
