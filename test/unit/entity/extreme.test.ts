import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Value } from '../../../src/define/column.ts';
import { Extreme } from '../../../src/entity/aggregates/extreme.ts';

const rank = (a: NonNullable<Value>, b: NonNullable<Value>): number => (a < b ? -1 : a > b ? 1 : 0);

/** All values in an array, searched each time. */
class Naive {
  private readonly values: Value[] = [];

  insert(value: Value): void {
    this.values.push(value);
  }

  retract(value: Value): boolean {
    const at = this.values.indexOf(value);
    if (at !== -1) this.values.splice(at, 1);
    return at !== -1 || value === null;
  }

  ends(): readonly [Value, Value] {
    const sorted = this.values.filter((value) => value !== null).sort(rank);
    return [sorted[0] ?? null, sorted.at(-1) ?? null];
  }
}

const kinds: readonly (readonly [string, fc.Arbitrary<Value>])[] = [
  ['integers of 64 bits', fc.bigInt({ min: -4n, max: 4n }).map((n) => 2n ** 62n + n)],
  ['doubles', fc.constantFrom(-Infinity, -1.5, 0, 1e-300, 3, Infinity)],
  ['texts', fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 3 })],
  ['booleans', fc.boolean()],
];

test.each(kinds)('over %s, insertions and retractions give what a recount gives', (_, value) => {
  const step = fc.record({ insert: fc.boolean(), value: fc.option(value, { freq: 8 }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const [smallest, largest, naive] = [
        new Extreme(false, { kind: 'int64' }),
        new Extreme(true, { kind: 'int64' }),
        new Naive(),
      ];
      for (const { insert, value } of steps) {
        if (insert) {
          for (const one of [smallest, largest, naive]) one.insert(value);
        } else {
          const found = naive.retract(value);
          expect([smallest.retract(value), largest.retract(value)]).toEqual([found, found]);
        }
        expect([smallest.result(), largest.result()]).toEqual(naive.ends());
      }
    }),
  );
});

test('NaN is the largest of doubles, and can be taken back', () => {
  const largest = new Extreme(true, { kind: 'int64' });
  for (const value of [5, Number.NaN, Infinity, Number.NaN]) largest.insert(value);
  expect(largest.result()).toBeNaN();
  expect([largest.retract(Number.NaN), largest.retract(Number.NaN), largest.retract(Number.NaN)]).toEqual([
    true,
    true,
    false,
  ]);
  expect(largest.result()).toBe(Infinity);
});

test('nulls do not count, and taking one back is no surprise', () => {
  const smallest = new Extreme(false, { kind: 'int64' });
  smallest.insert(null);
  expect(smallest.result()).toBeNull();
  expect(smallest.retract(null)).toBe(true);
});
