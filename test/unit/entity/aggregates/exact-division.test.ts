import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { divide, rootOfQuotient } from '../../../../src/entity/aggregates/exact-division.ts';
import { nearestDouble, nearestRoot } from '../../../support/exact-doubles.ts';

const positive = fc.oneof(
  fc.bigInt({ min: 1n, max: 2n ** 60n }),
  fc.bigInt({ min: 1n, max: 2n ** 1200n }),
  fc.bigInt({ min: 1n, max: 2n ** 2200n }),
  fc.nat(1100).map((exponent) => 2n ** BigInt(exponent)),
  fc.tuple(fc.bigInt({ min: 1n, max: 2n ** 54n }), fc.nat(1100)).map(([m, e]) => m * 2n ** BigInt(e) + 1n),
);

test('a quotient is the nearest double, whatever the size', () => {
  fc.assert(
    fc.property(positive, positive, fc.boolean(), (numerator, denominator, isNegative) => {
      const signed = isNegative ? -numerator : numerator;
      expect(divide(signed, denominator)).toBe(nearestDouble({ numerator: signed, denominator }));
    }),
    { numRuns: 1000 },
  );
});

test('the root of a quotient is the nearest double, whatever the size', () => {
  fc.assert(
    fc.property(positive, positive, (numerator, denominator) => {
      expect(rootOfQuotient(numerator, denominator)).toBe(nearestRoot({ numerator, denominator }));
    }),
    { numRuns: 1000 },
  );
});

test('a tie goes to the even double', () => {
  expect(divide(2n ** 60n + 2n ** 7n, 1n)).toBe(2 ** 60);
  expect(divide(2n ** 60n + 3n * 2n ** 7n, 1n)).toBe(2 ** 60 + 2 ** 9);
  expect(divide(2n ** 60n + 2n ** 7n + 1n, 1n)).toBe(2 ** 60 + 2 ** 8);
});

test('what is between subnormal numbers goes to the nearest, and what is above all to infinity', () => {
  expect(divide(1n, 2n ** 1075n)).toBe(0);
  expect(divide(3n, 2n ** 1075n)).toBe(2 * Number.MIN_VALUE);
  expect(divide(2n ** 1000n + 1n, 2n ** 2075n)).toBe(Number.MIN_VALUE);
  expect(divide(2n ** 1024n - 2n ** 970n - 1n, 1n)).toBe(Number.MAX_VALUE);
  expect(divide(-(2n ** 1024n) + 2n ** 970n, 1n)).toBe(-Infinity);
});

test('nothing divided is 0, and so is its root', () => {
  expect([divide(0n, 7n), divide(0n, 10n ** 40n), rootOfQuotient(0n, 10n ** 40n)]).toEqual([0, 0, 0]);
});
