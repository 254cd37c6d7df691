import { expect, test } from 'vitest';
import { OnlineCanary } from '../../../src/worker/online-canary.ts';

/** What the store holds, and does. */
class Held {
  value: number | null = null;

  call(canary: OnlineCanary, position: number): boolean {
    const given = canary.give(position)!;
    const found = this.value;
    if ((found ?? -Infinity) >= (given.expected ?? -Infinity))
      this.value = Math.max(found ?? -Infinity, given.position);
    return canary.found(given, found, false);
  }
}

test('a second loss in the middle of a repair is noticed, though it takes only what was written again', () => {
  const held = new Held();
  const canary = new OnlineCanary('a', -1);
  expect([held.call(canary, 21), held.call(canary, 25)]).toEqual([false, false]);
  held.value = 21;
  expect(held.call(canary, 25)).toBe(true);
  expect(held.call(canary, -1)).toBe(false);
  const replica = held.value;
  expect(held.call(canary, -1)).toBe(false);
  held.value = replica;
  canary.repaired();
  expect(held.call(canary, 25)).toBe(true);
  expect(held.call(canary, -1)).toBe(false);
  canary.repaired();
  expect([held.call(canary, 25), held.value]).toEqual([false, 25]);
});

test.each([24, null, -1])('until the repair is over, who takes over finds the canary behind: %s', (left) => {
  const held = new Held();
  const canary = new OnlineCanary('a', -1);
  held.call(canary, 25);
  held.value = left;
  expect(held.call(canary, 25)).toBe(true);
  let losses = 0;
  for (let call = 0; call < 70_000; call++) losses += Number(held.call(canary, 24));
  expect(losses).toBe(0);
  expect(held.call(new OnlineCanary('a', 25), 26)).toBe(true);
});

test('values that were new in the middle of a repair are missed when a replica of before the loss lacks them', () => {
  const held = new Held();
  const canary = new OnlineCanary('a', -1);
  held.call(canary, 6);
  held.value = 7;
  const replica = held.value;
  held.value = null;
  expect(held.call(canary, 6)).toBe(true);
  expect(held.call(canary, 17)).toBe(false);
  canary.repaired();
  expect(held.call(canary, -1)).toBe(false);
  held.value = replica;
  expect(held.call(canary, -1), 'a loss').toBe(true);
});
