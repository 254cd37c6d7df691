import { expect, test } from 'vitest';
import { createTestKit } from 'millrace/testing';
import { transactions, userFeatures } from './features.ts';

test('declined payments do not count as spent', () => {
  const kit = createTestKit(userFeatures);
  const at = (time: string) => `2026-03-01T${time}Z` as const;
  kit.insert(transactions, {
    transaction_id: 1,
    user_id: 42,
    amount: '19.99',
    status: 'ok',
    merchant: 'Books',
    transaction_time: at('12:00:00'),
  });
  kit.insert(transactions, {
    transaction_id: 2,
    user_id: 42,
    amount: '5.00',
    status: 'declined',
    merchant: 'Books',
    transaction_time: at('12:00:05'),
  });
  expect(kit.read(userFeatures, { user_id: 42 })?.values.spend_last_hour).toBe('19.99');

  kit.update(transactions, { transaction_id: 2, status: 'ok' });
  expect(kit.read(userFeatures, { user_id: 42 })?.values.spend_last_hour).toBe('24.99');

  kit.advanceTo('2026-03-01T14:00:00Z');
  expect(kit.read(userFeatures, { user_id: 42 })?.values.spend_last_hour).toBe('0.00');
});
