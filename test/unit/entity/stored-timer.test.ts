import { expect, test } from 'vitest';
import { parseStoredTimer, storedTimerKey } from '../../../src/entity/stored-timer.ts';
import { isBefore, type Timer } from '../../../src/entity/timers.ts';

const times_us = [Number.MIN_SAFE_INTEGER, -(2 ** 32) - 1, -1, 0, 1, 2 ** 32 - 1, 2 ** 32, 1_799_999_999_999_999];
const keys = ['', '1', '10', '2', 'a', 'é', '￿', '😀', '😀1'];
const timers: Timer[] = [...times_us, 1_800_000_000_000_000, Number.MAX_SAFE_INTEGER].flatMap((time_us) =>
  keys.flatMap((key) => [0, 1, 300].map((view) => ({ time_us, view, key }))),
);

test('a stored timer is read as it was, to the microsecond', () => {
  for (const timer of timers) expect(parseStoredTimer(storedTimerKey(timer))).toEqual(timer);
});

test('stored timers stand in the order in which timers fire, whatever their keys are written in', () => {
  for (const a of timers) {
    for (const b of timers) {
      expect(Buffer.compare(storedTimerKey(a), storedTimerKey(b)) < 0).toBe(isBefore(a, b));
    }
  }
});
