import { expect, test } from 'vitest';
import { keyText, recount } from '../../../../src/testing/simulation/naive-oracle/recount.ts';
import type { Result, ViewSpec } from '../../../../src/testing/simulation/naive-oracle/spec.ts';
import { NaiveOracle, onlineTexts, rowOf, valuesAfter } from '../../../../src/testing/simulation/naive-oracle.ts';
import type { Published, PublishedRecord } from '../../../../src/testing/simulation/published.ts';
import type { Fields } from '../../../../src/testing/simulation/simulated-database.ts';
import { writtenEntity } from '../../../../src/testing/simulation/simulated-views.ts';
import { logins, topicOf, transactions } from '../../../../src/testing/simulation/tables.ts';
import { SimulatedWorld } from '../../../support/simulated-world.ts';

const viewOf = (name: string): ViewSpec => writtenEntity.views.find((view) => view.name === name)!;
const [spendingView, activityView, referralsView] = ['spending', 'activity', 'referrals'].map(viewOf) as [
  ViewSpec,
  ViewSpec,
  ViewSpec,
];
const named = (view: ViewSpec, values: readonly Result[]): Readonly<Record<string, Result>> =>
  Object.fromEntries(view.features.map(({ name }, i) => [name, values[i]!]));

const minute_us = Date.UTC(2026, 0, 1) * 1000;
const at = (seconds: number): number => minute_us + Math.round(seconds * 1e6);
const bought = (id: number, seconds: number, more: Fields = {}): Fields => ({
  ...{ transaction_id: BigInt(id), user_id: 7n, amount: '10.00', status: 'ok', location: 'Oulu' },
  transaction_time: at(seconds),
  ...more,
});
const loggedIn = (id: number, seconds: number, more: Fields = {}): Fields => ({
  ...{ login_id: BigInt(id), user_id: 7n, invited_by: 8n, device: 1, success: true, login_time: at(seconds) },
  ...more,
});
type Recounted = (view: ViewSpec, key: string, asOf_us: number) => Readonly<Record<string, Result>>;
const rows =
  (bought: readonly Fields[], loggedIn: readonly Fields[] = []): Recounted =>
  (view, key, asOf_us) =>
    named(
      view,
      recount(
        view,
        (input) =>
          (input.table.name === transactions.name ? bought : loggedIn)
            .map((fields) => rowOf(input.table, fields))
            .filter((row) => keyText(input, row) === key),
        asOf_us,
      ),
    );

test('rows up to T in the window of T count: its first microsecond does, its end does not', () => {
  const live = rows([bought(1, 9.999999), bought(2, 10), bought(3, 15), bought(4, 15.000001), bought(5, 20)]);
  const counts = (seconds: number) => {
    const { purchases_10s, purchases_60s, newest_60s } = live(spendingView, '7', at(seconds));
    return [purchases_10s, purchases_60s, newest_60s];
  };
  expect(counts(9.999998)).toEqual([0n, 0n, null]);
  expect(counts(9.999999)).toEqual([1n, 1n, BigInt(at(9.999999))]);
  expect(counts(15)).toEqual([2n, 3n, BigInt(at(15))]);
  expect(counts(19.999999)).toEqual([3n, 4n, BigInt(at(15.000001))]);
  expect(counts(20)).toEqual([1n, 5n, BigInt(at(20))]);
  expect(counts(60)).toEqual([0n, 0n, null]);
});

test('filters, nulls and extremes are those of SQL', () => {
  const live = rows(
    [
      bought(1, 1, { amount: '-5.00', location: null }),
      bought(2, 2, { amount: '9.99', location: '🦊', status: 'declined' }),
      bought(3, 3, { amount: '9999999999.99', location: '\uff5e' }),
      bought(4, 4, { user_id: null, amount: '0.01' }),
      bought(5, 5, { user_id: 8n, amount: '0.01' }),
    ],
    [
      loggedIn(1, 1, { success: null, device: -3 }),
      loggedIn(2, 2, { success: false, user_id: 9_007_199_254_740_993n }),
      loggedIn(3, 3, { success: false, invited_by: null, device: -2 }),
    ],
  );
  const spending = live(spendingView, '7', at(9));
  expect(spending).toEqual({
    purchases_10s: 3n,
    purchases_60s: 3n,
    ok_60s: 2n,
    cheap_elsewhere_60s: 1n,
    largest_60s: 999_999_999_999n,
    smallest_ok_10s: -500n,
    newest_60s: BigInt(at(3)),
    place_60s: '🦊',
  });
  expect(onlineTexts(spendingView, Object.values(spending))).toEqual(
    ['3', '3', '2', '1', '9999999999.99', '-5.00', '2026-01-01T00:00:03.000000Z', '🦊'], //
  );
  expect(live(activityView, '7', at(9))).toEqual({
    ...{ bought_60s: 3n, unplaced_10s: 1n, logins_60s: 2n, failures_10s: 1n },
    ...{ first_login_60s: BigInt(at(1)), device_60s: -2 },
  });
  expect(live(referralsView, '8', at(9))).toEqual({
    ...{ invited_10s: 2n, invited_60s: 2n, highest_invited_60s: 9_007_199_254_740_993n },
  });
  const empty = live(spendingView, '99', at(9));
  expect(onlineTexts(spendingView, Object.values(empty))).toEqual(['0', '0', '0', '0', null, '0.00', null, null]);
});

function published(...records: readonly Partial<PublishedRecord>[]): Published {
  const all = records.map((record): PublishedRecord => ({
    ...{ kind: 'change', table: transactions, primaryKey: 1n, before: null, after: null },
    ...{ commit_us: at(30), sent_ms: at(30) / 1000, pass: 0, repeated: false },
    ...record,
  }));
  return new Map([
    [topicOf(transactions), [all, []]],
    [topicOf(logins), [[], []]],
  ]);
}
const applied = (count: number) => new Map([[topicOf(transactions), [count, 0]]]);

test('a prefix is folded: an update replaces, a move to another key leaves, a repeat changes nothing', () => {
  const one = bought(1, 5);
  const corrected = bought(1, 6, { amount: '1.00' });
  const moved = bought(1, 6, { user_id: 8n });
  const oracle = new NaiveOracle(
    writtenEntity,
    published(
      { after: one },
      { before: one, after: corrected },
      { after: one, repeated: true },
      { before: corrected, after: moved },
      { before: moved },
      { kind: 'tombstone' },
    ),
  );
  const seen = (count: number, key: string) => {
    const { purchases_10s, largest_60s } = named(
      spendingView,
      oracle.valuesAt(applied(count), spendingView, key, at(9)),
    );
    return [purchases_10s, largest_60s];
  };
  expect([0, 1, 2, 3, 4].map((count) => seen(count, '7'))).toEqual([
    [0n, null],
    [1n, 1000n],
    [1n, 100n],
    [1n, 100n],
    [0n, null],
  ]);
  expect([3, 4, 5].map((count) => seen(count, '8')[0])).toEqual([0n, 1n, 0n]);
  expect(oracle.keysOf(spendingView)).toEqual(['7', '8']);
  expect(oracle.imagesOf(spendingView)).toEqual({ insertions: 3, retractions: 3 });
  expect(oracle.imagesOf(referralsView)).toEqual({ insertions: 0, retractions: 0 });
  expect(oracle.rowTime_us(applied(1), spendingView, '7')).toBe(at(5));
  expect(oracle.rowTime_us(oracle.whole, spendingView, '7')).toBe(at(6));
  expect(oracle.rowTime_us(oracle.whole, spendingView, '9')).toBe(-Infinity);
});

test('a row ahead of its commit moves T by no more than maxAhead', () => {
  const oracle = new NaiveOracle(writtenEntity, published({ after: bought(1, 50), commit_us: at(30) }));
  expect(oracle.rowTime_us(oracle.whole, spendingView, '7')).toBe(at(30.4));
});

test('of a snapshot that was restarted only the last pass counts, and the stream behind it replaces', () => {
  const ghost = { primaryKey: 2n, after: bought(2, 2) };
  const oracle = new NaiveOracle(
    writtenEntity,
    published(
      { kind: 'snapshot', pass: 1, after: bought(1, 1) },
      { kind: 'snapshot', pass: 1, ...ghost },
      { kind: 'snapshot', pass: 2, after: bought(1, 1, { amount: '3.00' }) },
      { before: bought(1, 1, { amount: '2.00' }), after: bought(1, 1, { amount: '3.00' }) },
    ),
  );
  const { purchases_60s, largest_60s } = named(spendingView, oracle.valuesAt(oracle.whole, spendingView, '7', at(9)));
  expect([purchases_60s, largest_60s]).toEqual([1n, 300n]);
});

test(
  'the whole of what was published gives the same as the table, for every key and view',
  { timeout: 60_000 },
  async () => {
    let filled = 0;
    for (const snapshot of ['none', 'whole', 'restarted'] as const) {
      const world = new SimulatedWorld(`oracle/${snapshot}`, { snapshot, late: 'some', rate: 40 });
      world.workload.start();
      await world.clock.runFor(10_000);
      await world.play(20_000, 3);
      const oracle = new NaiveOracle(writtenEntity, world.connector.published);
      const { changes } = world.database;
      for (const view of writtenEntity.views) {
        for (const key of oracle.keysOf(view)) {
          for (const asOf_us of [0, 3, 7, 12, 40].map((ago) => (world.clock.now_ms() - ago * 1000) * 1000)) {
            const values = oracle.valuesAt(oracle.whole, view, key, asOf_us);
            expect(values).toEqual(valuesAfter(changes, changes.length, view, key, asOf_us));
            if (values[0] !== 0n) filled++;
          }
        }
      }
    }
    expect(filled).toBeGreaterThan(100);
  },
);
