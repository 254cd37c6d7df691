/** Cases by their names, through the test kit: what a reader of the issue looks for first. */
import {
  count,
  debezium,
  decimal,
  entity,
  eq,
  featureView,
  float64,
  hopping,
  int64,
  last,
  lastDistinct,
  max,
  mean,
  min,
  session,
  sliding,
  stddev,
  sum,
  text,
  timestamp,
  timestamptz,
  tumbling,
  unbounded,
} from 'millrace';
import { createTestKit, type TestKit } from 'millrace/testing';
import { expect, test } from 'vitest';

const user = entity('user', { key: { user_id: int64() } });
const shop = debezium({ prefix: 'shop' });
const payments = shop.table('public.payments', {
  columns: {
    id: int64(),
    user_id: int64(),
    amount: decimal(30, 2),
    rate: float64().nullable(),
    place: text().nullable(),
    at: timestamptz(),
  },
  primaryKey: ['id'],
  replicaIdentity: 'full',
  time: { event: 'at', outOfOrderness: '5s', maxAhead: '1m' },
});
const from = { p: payments.by({ user_id: 'user_id' }) };
const key = { user_id: 42 };

/** 2026-01-01, so many seconds after midnight. */
const at = (seconds: number): `${string}Z` =>
  new Date(Date.UTC(2026, 0, 1) + seconds * 1000).toISOString().replace('Z', '000Z') as `${string}Z`;
const payment = (id: number | bigint, seconds: number, more: object = {}) => ({
  ...{ id, user_id: 42, amount: '1.00', place: 'Oulu', at: at(seconds) },
  ...more,
});

test('a 15-minute window over three 5-minute hops with 10, 30 | 20 | 5: max 30, min 5, sample stddev 11.09, population 9.60', () => {
  const quarter = hopping('15m', '5m');
  const view = featureView('quarter', {
    entity: user,
    from,
    features: ({ p }) => ({
      max: max(p.amount).over(quarter),
      min: min(p.amount).over(quarter),
      mean: mean(p.amount).over(quarter),
      sample: stddev(p.amount).over(quarter),
      population: stddev(p.amount, { population: true }).over(quarter),
    }),
  });
  const kit = createTestKit(view);
  kit.insert(payments, payment(1, 60, { amount: '10.00' }));
  kit.insert(payments, payment(2, 120, { amount: '30.00' }));
  kit.insert(payments, payment(3, 400, { amount: '20.00' }));
  kit.insert(payments, payment(4, 700, { amount: '5.00' }));
  const values = kit.read(view, key)!.values;
  // Not those of the hops put together: 55, 35, 16.25.
  expect(values).toMatchObject({ max: '30.00', min: '5.00', mean: 16.25 });
  expect(values.sample).toBeCloseTo(11.09, 2);
  expect(values.population).toBeCloseTo(9.6, 2);
  expect(values.sample).toBe(Math.sqrt(1475 / 12));
});

const totals = featureView('totals', {
  entity: user,
  from,
  features: ({ p }) => ({
    n: count(p).over(tumbling('5m')),
    spent: sum(p.amount).over(tumbling('5m')),
    largest: max(p.amount).over(sliding('5m')),
    ever: sum(p.amount).over(unbounded()),
    places: lastDistinct(p.place, { limit: 3 }).over(sliding('1h')),
  }),
});
const valuesOf = (kit: TestKit, user_id: bigint | number = 42) => kit.read(totals, { user_id })?.values;

test('two updates of a row, one behind the other', () => {
  const kit = createTestKit(totals);
  kit.insert(payments, payment(1, 10));
  kit.update(payments, { id: 1, amount: '2.00' });
  kit.update(payments, { id: 1, amount: '3.00', place: 'Åbo' });
  expect(valuesOf(kit)).toEqual({ n: 1n, spent: '3.00', largest: '3.00', ever: '3.00', places: ['Åbo'] });
  expect(kit.dropped()).toEqual([]);
});

test('a row moved into another window and another key', () => {
  const kit = createTestKit(totals);
  kit.insert(payments, payment(1, 10, { amount: '7.00' }));
  kit.insert(payments, payment(2, 320));
  kit.update(payments, { id: 1, at: at(310), user_id: 7 });
  expect(valuesOf(kit)).toMatchObject({ n: 1n, spent: '1.00', largest: '1.00', ever: '1.00' });
  expect(kit.read(totals, { user_id: 7 })).toMatchObject({ values: { n: 1n, spent: '7.00' }, asOf: at(315) });
  kit.update(payments, { id: 1, user_id: 42, at: at(10) });
  expect(valuesOf(kit)).toMatchObject({ n: 1n, spent: '1.00', largest: '1.00', ever: '8.00' });
  expect(valuesOf(kit, 7)).toEqual({ n: 0n, spent: null, largest: null, ever: null, places: [] });
});

test('a row deleted after its window has closed', () => {
  const kit = createTestKit(totals);
  kit.insert(payments, payment(1, 10, { amount: '7.00' }));
  kit.insert(payments, payment(2, 700));
  kit.delete(payments, { id: 1 });
  expect(valuesOf(kit)).toMatchObject({ n: 1n, spent: '1.00', ever: '1.00', places: ['Oulu'] });
});

test('the newest row deleted: T stays', () => {
  const kit = createTestKit(totals);
  kit.insert(payments, payment(1, 10));
  kit.insert(payments, payment(2, 290, { amount: '9.00' }));
  kit.delete(payments, { id: 2 });
  expect(kit.read(totals, key)).toMatchObject({ values: { n: 1n, largest: '1.00' }, asOf: at(290) });
});

test('rows exactly on an edge, and a microsecond beside it', () => {
  const view = featureView('edges', {
    entity: user,
    from,
    features: ({ p }) => ({
      tumbling: count(p).over(tumbling('10s')),
      hopping: count(p).over(hopping('20s', '10s')),
      sliding: count(p).over(sliding('10s', { resolution: '1s' })),
      session: count(p).over(session('10s')),
    }),
  });
  const kit = createTestKit(view);
  const told = (): unknown => Object.values(kit.read(view, key)!.values).map(Number);
  kit.insert(payments, payment(1, 0));
  expect(told()).toEqual([1, 1, 1, 1]);
  kit.insert(payments, payment(2, 0, { at: '2026-01-01T00:00:09.999999Z' }));
  expect(told()).toEqual([2, 2, 2, 2]);
  // A session goes on within less than its gap; (0 s, 10 s] is without its beginning, whose pane counts whole.
  kit.insert(payments, payment(3, 10));
  expect(told()).toEqual([1, 3, 3, 3]);
  kit.insert(payments, payment(4, 20));
  expect(told()).toEqual([1, 2, 2, 1]);
  kit.insert(payments, payment(5, 0, { at: '2026-01-01T00:00:29.999999Z' }));
  expect(told()).toEqual([2, 3, 2, 2]);
  kit.insert(payments, payment(6, 30));
  expect(told()).toEqual([1, 3, 3, 3]);
});

test('a key that was quiet for a year', () => {
  const kit = createTestKit(totals);
  kit.insert(payments, payment(1, 10));
  kit.advanceTo('2026-12-31T00:00:00Z');
  expect(kit.read(totals, key)).toMatchObject({ values: { n: 0n, largest: null, ever: '1.00', places: [] } });
  kit.insert(payments, payment(2, 0, { at: '2026-12-31T00:00:01.000000Z' }));
  expect(kit.read(totals, key)).toEqual({
    values: { n: 1n, spent: '1.00', largest: '1.00', ever: '2.00', places: ['Oulu'] },
    asOf: '2026-12-31T00:00:01.000000Z',
  });
});

test('ids above 2^53 stay apart', () => {
  const kit = createTestKit(totals);
  const [even, odd] = [9_007_199_254_740_992n, 9_007_199_254_740_993n];
  kit.insert(payments, payment(even, 10, { user_id: even }));
  kit.insert(payments, payment(odd, 11, { user_id: odd }));
  kit.delete(payments, { id: even });
  expect([valuesOf(kit, even)?.n, valuesOf(kit, odd)?.n]).toEqual([0n, 1n]);
  expect(kit.featureLog(totals).map(({ key: each }) => each)).toEqual([
    { user_id: even },
    { user_id: odd },
    { user_id: even },
  ]);
});

test('amounts that doubles cannot hold are summed to the cent, and taken back', () => {
  const kit = createTestKit(totals);
  kit.insert(payments, payment(1, 10, { amount: '9007199254740993.01' }));
  kit.insert(payments, payment(2, 11, { amount: '0.02' }));
  expect(valuesOf(kit)?.spent).toBe('9007199254740993.03');
  kit.delete(payments, { id: 1 });
  expect(valuesOf(kit)?.spent).toBe('0.02');
});

test('doubles are summed exactly: what is taken back leaves nothing behind', () => {
  const view = featureView('rates', {
    entity: user,
    from,
    features: ({ p }) => ({ total: sum(p.rate).over(unbounded()), mean: mean(p.rate).over(unbounded()) }),
  });
  const kit = createTestKit(view);
  for (const [i, rate] of [0.1, 1e300, 0.2, Infinity, NaN].entries()) kit.insert(payments, payment(i, i, { rate }));
  expect(kit.read(view, key)?.values.total).toBeNaN();
  kit.delete(payments, { id: 4 });
  expect(kit.read(view, key)?.values.total).toBe(Infinity);
  kit.delete(payments, { id: 3 });
  kit.delete(payments, { id: 1 });
  // The double nearest to 0.1 + 0.2 as doubles are, which is what an addition gives too.
  expect(kit.read(view, key)?.values).toEqual({ total: 0.1 + 0.2, mean: (0.1 + 0.2) / 2 });
});

test('a row from the year 2099 waits until then', () => {
  const kit = createTestKit(totals);
  kit.insert(payments, payment(1, 10), { committedAt: at(10) });
  kit.insert(payments, payment(2, 0, { amount: '5.00', at: '2099-06-01T00:00:00.000000Z' }), { committedAt: at(11) });
  // It moves T no further than a minute ahead of its commit.
  expect(kit.read(totals, key)).toMatchObject({ values: { n: 1n, ever: '1.00' }, asOf: at(71) });
  expect(kit.stateSize(totals).keys).toBe(1);
  kit.advanceTo('2099-06-01T00:00:10Z');
  expect(valuesOf(kit)).toMatchObject({ n: 1n, spent: '5.00', ever: '6.00' });
});

test('a row from the year 2099, deleted before its time, never was', () => {
  const kit = createTestKit(totals);
  kit.insert(payments, payment(1, 10), { committedAt: at(10) });
  kit.insert(payments, payment(2, 0, { at: '2099-06-01T00:00:00.000000Z' }), { committedAt: at(11) });
  kit.delete(payments, { id: 2 }, { committedAt: at(12) });
  kit.advanceTo('2099-06-01T00:00:10Z');
  expect(valuesOf(kit)).toMatchObject({ n: 0n, ever: '1.00' });
  expect(kit.dropped()).toEqual([]);
});

test('an infinite event time is refused, an infinite value is not', () => {
  const events = shop.table('public.events', {
    columns: { id: int64(), user_id: int64(), until: timestamp(6).nullable(), at: timestamp(6) },
    primaryKey: ['id'],
    replicaIdentity: 'full',
    time: { event: 'at' },
  });
  const view = featureView('endless', {
    entity: user,
    from: { e: events.by({ user_id: 'user_id' }) },
    features: ({ e }) => ({ until: max(e.until).over(unbounded()), newest: last(e.until).over(tumbling('1h')) }),
  });
  const kit = createTestKit(view);
  const infinity = 9223372036825200000n;
  const message = (event_us: bigint | number, until: bigint): string =>
    `{"before":null,"after":{"id":1,"user_id":42,"until":${until},"at":${event_us}},"source":{"version":"3.6.1.Final",` +
    `"connector":"postgresql","ts_us":1767225600000000,"ts_ms":1767225600000,"snapshot":"false","sequence":"[null,\\"9\\"]",` +
    `"lsn":9},"op":"c","ts_ms":1767225600000}`;
  expect(() => kit.feed('shop.public.events', message(infinity, 0n))).toThrow(/event time/);
  kit.feed('shop.public.events', message(1767225600000000, infinity));
  expect(kit.read(view, key)?.values).toEqual({ until: 'infinity', newest: 'infinity' });
});

test('a view over rows that a condition chooses, changed so that it holds no longer', () => {
  const view = featureView('chosen', {
    entity: user,
    from,
    features: ({ p }) => ({ here: count(p, { where: eq(p.place, 'Oulu') }).over(tumbling('1h')) }),
  });
  const kit = createTestKit(view);
  kit.insert(payments, payment(1, 10));
  kit.update(payments, { id: 1, place: null });
  kit.update(payments, { id: 1, place: 'Oulu' });
  expect(kit.featureLog(view).map(({ values }) => values.here)).toEqual([1n, 0n, 1n]);
});
