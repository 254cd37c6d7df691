import { expect, test } from 'vitest';
import { createTestKit } from 'millrace/testing';
import { accountActivity, logins } from './features.ts';

test('a login that turns out to have succeeded is no failure any more', () => {
  const kit = createTestKit(accountActivity);
  const values = () => kit.read(accountActivity, { account_id: 7 })?.values;

  kit.insert(logins, { login_id: 1, account_id: 7, succeeded: false, login_time: '2026-03-01T12:00:00Z' });
  kit.insert(logins, { login_id: 2, account_id: 7, succeeded: false, login_time: '2026-03-01T12:00:30Z' });
  expect(values()).toMatchObject({ logins_last_10_min: 2n, failed_last_10_min: 2n, failed_share: 1 });

  kit.update(logins, { login_id: 2, succeeded: true });
  expect(values()).toMatchObject({ logins_last_10_min: 2n, failed_last_10_min: 1n, failed_share: 0.5 });

  kit.delete(logins, { login_id: 1 });
  expect(values()).toMatchObject({ logins_last_10_min: 1n, failed_last_10_min: 0n, failed_share: 0 });

  kit.advanceTo('2026-03-01T12:15:00Z');
  expect(values()).toMatchObject({ logins_last_10_min: 0n, failed_last_10_min: 0n, failed_share: null });
  expect(kit.dropped()).toEqual([]);
});
