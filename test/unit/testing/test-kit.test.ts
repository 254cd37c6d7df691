import { count, entity, featureView, int32, max, text, tumbling } from 'millrace';
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
  for (let user = 0; user < 5000; user++) kit.feed(topic, change('c', null, row(1, { id: user, user })));
  kit.advanceTo(new Date('2026-01-01T01:00:00Z'));
  const counts = Array.from({ length: 5000 }, (_, user) => kit.read(userFeatures, { user_id: user })?.values);
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
