/** What `docs/dead-letters.md` says of a record that is put behind what came after it. */
import { featureView, sum, tumbling } from 'millrace';
import { createTestKit, type TestKit } from 'millrace/testing';
import { expect, test } from 'vitest';
import { envelope, transactionFields } from '../../support/envelope.ts';
import { transactions, user, type Transaction } from '../../support/shop.ts';

const topic = 'dbserver.public.transactions';
const start_us = Date.UTC(2026, 0, 1) * 1000;

const view = featureView('user_features', {
  entity: user,
  from: { tx: transactions.by({ user_id: 'user_id' }) },
  features: ({ tx }) => ({ total: sum(tx.amount).over(tumbling('7d')) }),
});

const row = (id: number, euros: number): Transaction => ({
  id,
  user: 42,
  cents: euros * 100,
  status: 'ok',
  location: null,
  time_us: start_us + 1,
});
const fields = (at: Transaction | null): object | null => (at === null ? null : transactionFields(at));

/** As if the filter of replays did not know it: each change has the newest place in the database's log. */
function feed(kit: TestKit, changes: readonly (readonly ['c' | 'u', Transaction | null, Transaction])[]): unknown {
  changes.forEach(([op, before, after], i) => {
    const at = { commit_us: start_us + i, sequence: [null, i + 1] } as const;
    expect(kit.feed(topic, envelope({ op, before: fields(before), after: fields(after), ...at }))).toBe('row');
  });
  return kit.read(view, { user_id: 42 })?.values.total;
}

const refused = ['c', null, row(1, 10)] as const;
const later = ['u', row(1, 10), row(1, 20)] as const;

const first = ['c', null, row(2, 5)] as const;
const second = ['c', null, row(3, 7)] as const;

test.each([
  ['nothing to take back', [], '20.00', '30.00', '20.00'],
  ['one other row, and took that for the one it was to take back', [first], '20.00', '30.00', '25.00'],
  ['two others, and subtracted from their sum', [first, second], '22.00', '32.00', '32.00'],
] as const)('behind an update that found %s', (_, others, without, behind, inItsPlace) => {
  expect(feed(createTestKit(view), [...others, later])).toBe(without);
  expect(feed(createTestKit(view), [...others, later, refused])).toBe(behind);
  expect(feed(createTestKit(view), [...others, refused, later])).toBe(inItsPlace);
});
