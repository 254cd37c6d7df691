import { expect, test } from 'vitest';
import { fineClock, type Clock } from '../../../src/time/clock.ts';
import { SteppedClock } from '../../support/stepped-clock.ts';

/** A clock that is set by hand. */
function handClock(): { readonly clock: Clock; wall_ms: number; monotonic_ms: number } {
  const set = {
    wall_ms: 1_800_000_000_000,
    monotonic_ms: 50,
    clock: Object.assign(new SteppedClock(0), {
      now_ms: () => Math.floor(set.wall_ms),
      monotonic_ms: () => set.monotonic_ms,
    }),
  };
  return set;
}

test('between two milliseconds of the wall clock it goes on', () => {
  const set = handClock();
  const now_us = fineClock(set.clock);
  const first = now_us();
  set.wall_ms += 0.25;
  set.monotonic_ms += 0.25;
  expect(now_us() - first).toBe(250);
});

test('it never goes back while the wall clock does not, and stays within a millisecond of it', () => {
  const set = handClock();
  const now_us = fineClock(set.clock);
  let before = now_us();
  for (let i = 0; i < 2000; i++) {
    set.wall_ms += 0.37;
    // The other clock is a little slow, then a little fast.
    set.monotonic_ms += i < 1000 ? 0.36 : 0.38;
    const now = now_us();
    expect(now).toBeGreaterThanOrEqual(before);
    expect(Math.abs(now / 1000 - set.wall_ms)).toBeLessThan(1);
    before = now;
  }
});

test('it follows a wall clock that is set', () => {
  const set = handClock();
  const now_us = fineClock(set.clock);
  now_us();
  for (const jump_ms of [60_000, -30_000]) {
    set.wall_ms += jump_ms;
    expect(Math.abs(now_us() - set.wall_ms * 1000)).toBeLessThan(1000);
  }
});
