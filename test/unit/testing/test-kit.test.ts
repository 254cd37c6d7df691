import {
  boolean,
  count,
  date,
  debezium,
  decimal,
  entity,
  featureView,
  float64,
  int32,
  int64,
  last,
  max,
  text,
  timestamp,
  timestamptz,
  tumbling,
} from 'millrace';
import { createTestKit, type TestKit } from 'millrace/testing';
import { expect, test } from 'vitest';
import { envelope, transactionFields } from '../../support/envelope.ts';
import { shop, transactions, userFeatures, type Transaction } from '../../support/shop.ts';

const topic = 'dbserver.public.transactions';
const start_us = Date.UTC(2026, 0, 1) * 1000;

let log = 0;
const row = (id: number, more: Partial<Transaction> = {}): Transaction => ({
  ...{ id, user: 42, cents: 1999, status: 'ok', location: 'Oulu', time_us: start_us + id * 1_000_000 },
  ...more,
});
const change = (op: 'c' | 'u' | 'd', before: Transaction | null, after: Transaction | null): Buffer =>
  envelope({
    op,
    before: before === null ? null : transactionFields(before),
    after: after === null ? null : transactionFields(after),
    commit_us: start_us + 10_000_000,
    sequence: [null, ++log],
  });

test('rows in, typed values out; updates and deletes are taken back; a window ends without a row', () => {
  const kit = createTestKit(userFeatures);
  expect(kit.read(userFeatures, { user_id: 42 })).toBeNull();
  expect(kit.feed(topic, change('c', null, row(1)))).toBe('row');
  kit.feed(topic, change('c', null, row(2, { cents: 5 })));
  expect(kit.read(userFeatures, { user_id: 42n })).toEqual({
    values: {
      transaction_count_last_5_min: 2n,
      last_update_time: '2026-01-01T00:00:02.000000Z',
      smallest_ok_last_minute: '0.05',
    },
    asOf: '2026-01-01T00:00:02.000000Z',
  });
  kit.feed(topic, change('d', row(2, { cents: 5 }), null));
  expect(kit.feed(topic, null)).toBe('tombstone');
  kit.feed(topic, change('u', row(1), row(1, { user: 7 })));
  expect(kit.read(userFeatures, { user_id: 42 })?.values.transaction_count_last_5_min).toBe(0n);
  expect(kit.read(userFeatures, { user_id: 7 })?.values).toMatchObject({ smallest_ok_last_minute: '19.99' });
  kit.advanceTo('2026-01-01T00:30:00Z');
  expect(kit.read(userFeatures, { user_id: 7 })).toEqual({
    values: { transaction_count_last_5_min: 0n, last_update_time: null, smallest_ok_last_minute: null },
    asOf: '2026-01-01T00:29:55.000000Z',
  });
});

test('a message that was seen is dropped, one that cannot be used says why', () => {
  const kit = createTestKit(userFeatures);
  const message = change('c', null, row(1));
  expect([kit.feed(topic, message), kit.feed(topic, message)]).toEqual(['row', 'replayed']);
  expect(() => kit.feed(topic, { not: 'an envelope' })).toThrow(/unchanged Debezium envelope/);
  expect(() => kit.feed('elsewhere', message)).toThrow('they read dbserver.public.transactions');
});

test('rows of a snapshot count from the first streamed row on, or when time passes', () => {
  const snapshot = (id: number): Buffer =>
    envelope({ op: 'r', after: transactionFields(row(id)), snapshot: 'true', lsn: 1, commit_us: start_us });
  const [streamed, quiet] = [createTestKit(userFeatures), createTestKit(userFeatures)];
  const counted = (kit: TestKit): unknown =>
    kit.read(userFeatures, { user_id: 42 })?.values.transaction_count_last_5_min;
  for (const kit of [streamed, quiet]) {
    expect([1, 2].map((id) => kit.feed(topic, snapshot(id)))).toEqual(['staged', 'staged']);
    expect(counted(kit)).toBeUndefined();
  }
  expect(streamed.feed(topic, change('c', null, row(3)))).toBe('row');
  expect(counted(streamed)).toBe(3n);
  quiet.advanceTo('2026-01-01T00:01:00Z');
  expect(counted(quiet)).toBe(2n);
});

test('more keys than one frame lets go: all of them end', () => {
  const kit = createTestKit(userFeatures);
  for (let user = 0; user < 2000; user++) kit.feed(topic, change('c', null, row(1, { id: user, user })));
  kit.advanceTo(new Date('2026-01-01T01:00:00Z'));
  const counts = Array.from({ length: 2000 }, (_, user) => kit.read(userFeatures, { user_id: user })?.values);
  expect(counts.filter((values) => values?.transaction_count_last_5_min !== 0n)).toEqual([]);
});

test('views of several entities, keys of several parts', () => {
  const table = shop.table('public.visits', {
    columns: { id: int32(), place: text(), user_id: int32(), at: transactions.columns.transaction_time },
    primaryKey: ['id'],
    time: { event: 'at' },
  });
  const pair = entity('pair', { key: { user: int32(), place: text() } });
  const visits = featureView('visits', {
    entity: pair,
    from: { v: table.by({ user: 'user_id', place: 'place' }) },
    features: ({ v }) => ({ n: count(v).over(tumbling('1h')), newest: max(v.id).over(tumbling('1h')) }),
  });
  const kit = createTestKit(userFeatures, visits);
  const after = { id: 9, place: 'Åbo: harbour', user_id: 1, at: start_us };
  kit.feed('dbserver.public.visits', envelope({ after, commit_us: start_us }));
  expect(kit.read(visits, { user: 1, place: 'Åbo: harbour' })?.values).toEqual({ n: 1n, newest: 9 });
  expect(kit.read(visits, { user: 1, place: 'Oulu' })).toBeNull();
});

test('plain rows, by table: in every encoding of the connector the values are the same', () => {
  const encodings = [
    ...(['precise', 'string', 'double'] as const).map((decimals) => ({ decimals, times: 'adaptive' as const })),
    ...(['microseconds', 'connect', 'isostring'] as const).map((times) => ({ decimals: 'string' as const, times })),
  ];
  for (const encoding of encodings) {
    const orders = debezium({ prefix: 'shop', ...encoding }).table('public.orders', {
      columns: {
        id: int64(),
        user_id: int64(),
        amount: decimal(12, 2),
        rate: float64().nullable(),
        day: date().nullable(),
        note: text().nullable(),
        is_gift: boolean().nullable(),
        placed: timestamp(3),
        paid: timestamptz().nullable(),
      },
      primaryKey: ['id'],
      replicaIdentity: 'full',
      time: { event: 'placed' },
    });
    const newest = featureView('newest', {
      entity: entity('user', { key: { user_id: int64() } }),
      from: { o: orders.by({ user_id: 'user_id' }) },
      features: ({ o }) => ({
        amount: last(o.amount).over(tumbling('1d')),
        rate: last(o.rate).over(tumbling('1d')),
        day: last(o.day).over(tumbling('1d')),
        note: last(o.note).over(tumbling('1d')),
        is_gift: last(o.is_gift).over(tumbling('1d')),
        placed: last(o.placed).over(tumbling('1d')),
        paid: last(o.paid).over(tumbling('1d')),
      }),
    });
    const kit = createTestKit(newest);
    const values = {
      ...{ amount: '-1234567890.05', rate: -0.1, day: '1969-12-31', note: 'a "quoted"\\🦊', is_gift: false },
      ...{ placed: '2026-01-01T00:00:01.002000Z' as const, paid: '2025-12-31T23:59:59.999999Z' as const },
    };
    expect(kit.insert(orders, { id: 9_007_199_254_740_993n, user_id: 42, ...values })).toBe('row');
    expect(kit.read(newest, { user_id: 42 })?.values).toEqual(values);
  }
});

test('rows that do not fit their table, or are not there', () => {
  const kit = createTestKit(userFeatures);
  const good = {
    ...{ transaction_id: 1, user_id: 42, amount: '1.00', status: 'ok' },
    transaction_time: '2026-01-01T00:00:00.000000Z' as const,
  };
  kit.insert(transactions, good);
  expect(() => kit.insert(transactions, good)).toThrow('has the row already');
  expect(() => kit.update(transactions, { transaction_id: 2, status: 'no' })).toThrow('no such row');
  expect(() => kit.delete(transactions, { transaction_id: 2 })).toThrow('no such row');
  expect(() => kit.insert(transactions, { ...good, transaction_id: 2, typo: 1 } as never)).toThrow('no column "typo"');
  expect(() => kit.insert(transactions, { ...good, transaction_id: 2, amount: '1.001' })).toThrow('more than 2 digits');
  expect(() => kit.insert(transactions, { ...good, transaction_id: 2, status: null } as never)).toThrow('not nullable');
});

test('the feature log, the size of the state, and what was dropped', () => {
  const kit = createTestKit(userFeatures);
  const row = (id: number, time: string) => ({
    ...{ transaction_id: id, user_id: 42, amount: '1.00', status: 'ok' },
    transaction_time: `2026-01-01T${time}.000000Z` as const,
  });
  kit.insert(transactions, row(1, '00:00:01'));
  const { keys, bytes } = kit.stateSize(userFeatures);
  expect(keys).toBe(1);
  expect(bytes).toBeGreaterThan(20);
  kit.insert(transactions, row(2, '00:10:00'));
  kit.insert(transactions, row(3, '00:00:02'));
  expect(kit.dropped()).toEqual([
    { topic: 'dbserver.public.transactions', message: row(3, '00:00:02'), reason: 'late' },
  ]);
  kit.advanceTo('2026-01-01T01:00:00Z');
  expect(kit.featureLog(userFeatures).map(({ values }) => values.transaction_count_last_5_min)).toEqual([
    1n,
    1n,
    1n,
    0n,
  ]);
  expect(kit.featureLog(userFeatures).at(-1)).toMatchObject({
    key: { user_id: 42n },
    asOf: '2026-01-01T00:59:55.000000Z',
  });
  expect(kit.stateSize(userFeatures)).toMatchObject({ keys: 0 });
});
