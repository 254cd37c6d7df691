/** Percentiles: of the values themselves, and of the buckets of a sketch. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { AggregateState } from '../../../../src/define/plan.ts';
import { BucketMapping } from '../../../../src/entity/aggregates/bucket-mapping.ts';
import { createAggregate } from '../../../../src/entity/aggregates/create-aggregate.ts';
import { resultOf } from '../../../../src/entity/aggregates/results.ts';
import { alone, bytesOf, Panes, reloaded, rowAt } from '../../../support/aggregate-panes.ts';
import { recount } from '../../../support/aggregate-recount.ts';

const accuracy = 0.01;
const state: AggregateState = { kind: 'quantiles', type: { kind: 'float64' }, exactLimit: 5, accuracy };
const percentile = (fraction: number) => ({ function: 'percentile', fraction, scale: null }) as const;
const at = rowAt(0, 1n);

const value = fc.oneof(
  fc.double({ min: 1e-3, max: 1e6, noNaN: true }),
  fc.double({ noNaN: true }).filter((double) => double === 0 || Math.abs(double) >= 2 ** -1022),
  fc.integer({ min: -20, max: 20 }),
);

/** Within the accuracy, and a last digit. */
function expectNear(found: number, exact: number): void {
  if (!Number.isFinite(exact) || exact === 0) expect(found).toBe(exact);
  else expect(Math.abs(found / exact - 1)).toBeLessThan(accuracy + 1e-11);
}

test('what stands for a bucket is near to all that is in it, and in it itself', () => {
  const anyAccuracy = fc.constantFrom(0.0001, 0.005, 0.01, 0.02, 0.1, 0.3);
  fc.assert(
    fc.property(value, anyAccuracy, (one, accuracy) => {
      const mapping = new BucketMapping(accuracy);
      const bucket = mapping.bucketOf(one);
      const representative = mapping.representativeOf(bucket);
      expect(mapping.bucketOf(representative)).toBe(bucket);
      if (Number.isFinite(one) && one !== 0) expect(Math.abs(representative / one - 1)).toBeLessThan(accuracy + 1e-11);
      else expect(representative).toBe(one + 0);
    }),
    { numRuns: 5000 },
  );
});

test('buckets are in the order of their values, wherever a power of two is', () => {
  const mapping = new BucketMapping(accuracy);
  const values = [
    -Infinity,
    -Number.MAX_VALUE,
    -8.1,
    -1,
    -5e-324,
    1e-300,
    0.99,
    1,
    1.5,
    2,
    4,
    Number.MAX_VALUE,
    Infinity,
    NaN,
  ];
  const buckets = values.map((one) => mapping.bucketOf(one));
  expect(buckets.toSorted((a, b) => a - b)).toEqual(buckets);
  expect([mapping.bucketOf(5e-324), mapping.bucketOf(-5e-324), mapping.bucketOf(-0)]).toEqual([0, 0, 0]);
});

const step = fc.record({
  step: fc.constantFrom('insert', 'insert', 'insert', 'retract', 'move', 'reload'),
  pane: fc.nat(1),
  value,
  which: fc.nat(),
});

test('any steps beyond the exact limit give percentiles within the accuracy, of a pane and of a window', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80, size: 'max' }), (steps) => {
      const panes = new Panes(state, 2);
      panes.move(0);
      for (const { step, pane, value, which } of steps) {
        if (step === 'insert') panes.insert(pane, value, at);
        else if (step === 'retract') expect(panes.retract(pane, which)).toBe(true);
        else panes[step](pane);
      }
      for (const result of [0, 0.3, 0.5, 0.95, 1].map(percentile)) {
        const { window, panes: own } = panes.results(result, 0);
        [window, ...own].forEach((found, i) => {
          const exact = recount(result, i === 0 ? panes.windowRows : panes.rows[i - 1]!, 0, []);
          if (exact === null) expect(found).toBeNull();
          else expectNear(found as number, exact as number);
        });
      }
    }),
    { numRuns: 150 },
  );
});

test('a sketch has the same bytes in whatever order its values came', () => {
  const values = fc.uniqueArray(value, { minLength: 6, maxLength: 30 });
  fc.assert(
    fc.property(
      values.chain((all) => fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length }))),
      (orders) => {
        const [bytes, others] = orders.map((order) => {
          const pane = createAggregate(state, 'pane');
          for (const one of order) pane.insert(one, at, alone);
          expect(bytesOf(reloaded(state, pane))).toBe(bytesOf(pane));
          return bytesOf(pane);
        });
        expect(bytes).toBe(others);
      },
    ),
    { numRuns: 200 },
  );
});

test('a pane is exact up to its limit, stays a sketch until it is empty, and is exact again', () => {
  const pane = createAggregate(state, 'pane');
  const median = (): unknown => resultOf(percentile(0.5), pane, 0);
  for (const one of [1, 2, 3.3, 4, 5, 3.3, 3.3]) pane.insert(one, at, alone);
  expect(median()).toBe(3.3);
  pane.insert(6, at, alone);
  expect(median()).not.toBe(3.3);
  expectNear(median() as number, 3.3);
  for (const one of [1, 2, 4, 5, 6, 3.3, 3.3]) expect(pane.retract(one, at, alone)).toBe(true);
  expect(median()).not.toBe(3.3);
  expect([pane.retract(7, at, alone), pane.retract(3.3, at, alone), pane.isEmpty]).toEqual([false, true, true]);
  pane.insert(3.3, at, alone);
  expect(median()).toBe(3.3);
});

test('a decimal is the nearest double, and the 95th percentile of 20 values is the 19th', () => {
  const pane = createAggregate(
    { kind: 'quantiles', type: { kind: 'decimal', precision: 38, scale: 2 }, exactLimit: 100, accuracy },
    'pane',
  );
  for (let i = 20n; i > 0n; i--) pane.insert(i * 10n + 9_007_199_254_740_993n, at, alone);
  expect(resultOf(percentile(0.95), pane, 0)).toBe(90_071_992_547_411.83);
});
