import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Timers, type Timer } from '../../../src/entity/timers.ts';

const timer: fc.Arbitrary<Timer> = fc.record({
  time_us: fc.oneof(
    fc.integer({ min: 0, max: 5 }),
    fc.integer({ min: 1_800_000_000_000_000, max: 1_800_000_000_000_005 }),
  ),
  view: fc.nat(2),
  key: fc.constantFrom('1', '2', '10', 'a', 'a:b', ''),
});

/** By time, then key, then view, spelled out. */
function inOrder(timers: readonly Timer[]): Timer[] {
  return [...timers].sort(
    (a, b) => a.time_us - b.time_us || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0) || a.view - b.view,
  );
}

function drained(timers: Timers): Timer[] {
  const out: Timer[] = [];
  while (timers.size > 0) {
    const next = timers.peek();
    expect(timers.pop()).toBe(next);
    out.push(next!);
  }
  return out;
}

test('an empty heap has nothing to give', () => {
  const timers = new Timers();
  expect([timers.size, timers.peek(), timers.pop(), timers.size]).toEqual([0, undefined, undefined, 0]);
});

test('timers come up by time, then key, then view, however they went in', () => {
  fc.assert(
    fc.property(fc.array(timer, { maxLength: 60 }), (pushed) => {
      const timers = new Timers();
      for (const one of pushed) timers.push(one);
      expect(timers.size).toBe(pushed.length);
      expect(drained(timers)).toEqual(inOrder(pushed));
    }),
  );
});

test('the least of those inside comes up at any moment', () => {
  fc.assert(
    fc.property(fc.array(fc.option(timer), { maxLength: 80 }), (steps) => {
      const timers = new Timers();
      let inside: Timer[] = [];
      for (const step of steps) {
        if (step === null) {
          expect(timers.pop()).toEqual(inside[0]);
          inside = inside.slice(1);
        } else {
          timers.push(step);
          inside = inOrder([...inside, step]);
        }
        expect(timers.peek()).toEqual(inside[0]);
        expect(timers.size).toBe(inside.length);
      }
    }),
  );
});
