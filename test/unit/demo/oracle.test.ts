import { describe, expect, it } from 'vitest';
import { iso, recount, windowSize_us, type TruthEvent } from '../../../demo/oracle.ts';
import { Shop } from '../../../demo/generator.ts';

const edge_us = Math.ceil(1_790_000_000_000_000 / windowSize_us) * windowSize_us;
const event = (op: TruthEvent['op'], transaction_id: number, user_id: number, after_s: number): TruthEvent => ({
  op,
  row: { transaction_id, user_id, transaction_time: edge_us + after_s * 1_000_000 },
});
const values = (rows: number, newest_s: number | null) => ({
  transaction_count_last_5_min: String(rows),
  last_update_time: newest_s === null ? null : iso(edge_us + newest_s * 1_000_000),
});
const at = (seconds: number): number => edge_us + seconds * 1_000_000;

describe('the recount', () => {
  it('counts the window that contains T, up to T', () => {
    const { at: answer } = recount([
      event('c', 1, 7, -1),
      event('c', 2, 7, 0),
      event('c', 3, 7, 10),
      event('c', 4, 7, 300),
    ]);
    expect(answer(7, at(-1))).toEqual(values(1, -1));
    expect(answer(7, at(0))).toEqual(values(1, 0));
    expect(answer(7, at(9.999999))).toEqual(values(1, 0));
    expect(answer(7, at(299))).toEqual(values(2, 10));
    expect(answer(7, at(600))).toEqual(values(0, null));
    expect(answer(8, at(0))).toEqual(values(0, null));
  });

  it('takes out what was deleted, moved to another user or to another window', () => {
    const truth = [event('c', 1, 7, 1), event('c', 2, 7, 2), event('c', 3, 7, 3), event('c', 4, 7, 4)];
    const later = [event('d', 4, 7, 4), event('u', 3, 8, 3), event('u', 2, 7, -5)];
    const { at: answer, withoutRetraction, users } = recount([...truth, ...later]);
    expect(users).toEqual([7, 8]);
    expect(answer(7, at(5))).toEqual(values(1, 1));
    expect(answer(8, at(5))).toEqual(values(1, 3));
    expect(withoutRetraction(7, at(5))).toEqual(values(4, 4));
  });

  it('has enough to compare after 12 seconds of the shop', () => {
    const shop = new Shop({ seed: 42 });
    let rows = 0;
    while (rows < 24_000) rows += shop.next(at(10) + rows * 500).length;
    const { at: answer, withoutRetraction, users } = recount(shop.truth);
    const T = at(25);
    const changed = users.map((user) => {
      const [right, naive] = [answer(user, T), withoutRetraction(user, T)];
      return (
        Number(right.transaction_count_last_5_min !== naive.transaction_count_last_5_min) +
        Number(right.last_update_time !== naive.last_update_time)
      );
    });
    expect(changed.reduce((sum, n) => sum + n)).toBeGreaterThan(1_000);
  });
});
