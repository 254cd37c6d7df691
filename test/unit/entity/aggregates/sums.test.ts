/** Sums, means and variances where doubles would go wrong. */
import { expect, test } from 'vitest';
import type { ColumnType, Value } from '../../../../src/define/column.ts';
import type { ResultPlan } from '../../../../src/define/plan.ts';
import { createAggregate } from '../../../../src/entity/aggregates/create-aggregate.ts';
import { resultOf } from '../../../../src/entity/aggregates/results.ts';
import { alone, bytesOf, rowAt } from '../../../support/aggregate-panes.ts';

const float64: ColumnType = { kind: 'float64' };
const int64: ColumnType = { kind: 'int64' };
const at = rowAt(0, 1n);

function resultOver(kind: 'sum' | 'moments', type: ColumnType, values: readonly Value[], result: ResultPlan): Value {
  const aggregate = createAggregate({ kind, type }, 'pane');
  for (const value of values) aggregate.insert(value, at, alone);
  return resultOf(result, aggregate, 0);
}

const sum = (type: ColumnType, values: readonly Value[], scale: number | null = null): Value =>
  resultOver('sum', type, values, { function: 'sum', scale });
const mean = (type: ColumnType, values: readonly Value[], scale: number | null = null): Value =>
  resultOver('sum', type, values, { function: 'mean', scale });
const stddev = (type: ColumnType, values: readonly Value[], population: boolean, scale: number | null = null): Value =>
  resultOver('moments', type, values, { function: 'stddev', population, scale });

test('ids above 2^53 add up to the last digit', () => {
  expect(sum(int64, [9_007_199_254_740_993n, 1n, 9_223_372_036_854_775_807n], 0)).toBe(9_232_379_236_109_516_801n);
});

test('32-bit integers add up beyond 2^53', () => {
  const aggregate = createAggregate({ kind: 'sum', type: { kind: 'int32' } }, 'window');
  const pane = createAggregate({ kind: 'sum', type: { kind: 'int32' } }, 'pane');
  for (let i = 0; i < 1024; i++) pane.insert(2 ** 31 - 1, at, alone);
  for (let i = 0; i < 8192; i++) aggregate.add(pane);
  expect(resultOf({ function: 'sum', scale: 0 }, aggregate, 0)).toBe((2n ** 31n - 1n) * 2n ** 23n);
});

test('amounts that doubles cannot hold add up to the cent', () => {
  const decimal: ColumnType = { kind: 'decimal', precision: 38, scale: 2 };
  expect(sum(decimal, [99_999_999_999_999_999_999_999_999_999_999_999_998n, 1n], 2)).toBe(10n ** 38n - 1n);
});

test('ten times 0.1 is 1, and the mean is 0.1', () => {
  const tenths = new Array<number>(10).fill(0.1);
  expect(tenths.reduce((a, b) => a + b)).not.toBe(1);
  expect([sum(float64, tenths), mean(float64, tenths)]).toEqual([1, 0.1]);
});

test('half a unit in the last place goes up or down by what stands below it, else to the even side', () => {
  const [half, least] = [2 ** -53, 2 ** -120];
  expect(sum(float64, [1, half])).toBe(1);
  expect(sum(float64, [1, half, least])).toBe(1 + 2 ** -52);
  expect(sum(float64, [1, half, -least])).toBe(1);
  expect(sum(float64, [1 + 2 ** -52, half])).toBe(1 + 2 ** -51);
  expect(sum(float64, [1 + 2 ** -52, half, -least])).toBe(1 + 2 ** -52);
  expect(sum(float64, [-1, -half, -least])).toBe(-1 - 2 ** -52);
});

test('small doubles survive beside a large one that is taken back', () => {
  const aggregate = createAggregate({ kind: 'sum', type: float64 }, 'pane');
  aggregate.insert(0.1, at, alone);
  const before = bytesOf(aggregate);
  for (const value of [1e308, -3e-320, 1e16]) aggregate.insert(value, at, alone);
  for (const value of [-3e-320, 1e16, 1e308]) expect(aggregate.retract(value, at, alone)).toBe(true);
  expect(resultOf({ function: 'sum', scale: null }, aggregate, 0)).toBe(0.1);
  expect(bytesOf(aggregate)).toBe(before);
});

test('a sum of doubles is infinite only where the exact one is, and its mean is not', () => {
  const largest = Number.MAX_VALUE;
  expect(sum(float64, [largest, largest, -largest])).toBe(largest);
  expect(sum(float64, [largest, largest])).toBe(Infinity);
  expect(mean(float64, [largest, largest])).toBe(largest);
});

test('infinities and NaN come and go without a trace', () => {
  const aggregate = createAggregate({ kind: 'sum', type: float64 }, 'pane');
  const show = (): Value => resultOf({ function: 'sum', scale: null }, aggregate, 0);
  aggregate.insert(1.5, at, alone);
  const before = bytesOf(aggregate);
  aggregate.insert(Infinity, at, alone);
  expect(show()).toBe(Infinity);
  aggregate.insert(-Infinity, at, alone);
  expect(show()).toBeNaN();
  expect(aggregate.retract(Infinity, at, alone)).toBe(true);
  expect(show()).toBe(-Infinity);
  aggregate.insert(Number.NaN, at, alone);
  expect(aggregate.retract(-Infinity, at, alone)).toBe(true);
  expect(show()).toBeNaN();
  expect(aggregate.retract(-Infinity, at, alone)).toBe(false);
  expect(aggregate.retract(Number.NaN, at, alone)).toBe(true);
  expect([show(), bytesOf(aggregate)]).toEqual([1.5, before]);
});

test('infinities and NaN leave a window with their pane', () => {
  const window = createAggregate({ kind: 'sum', type: float64 }, 'window');
  window.insert(1.5, at, null);
  for (const value of [Infinity, -Infinity, Number.NaN]) {
    const pane = createAggregate({ kind: 'sum', type: float64 }, 'pane');
    pane.insert(value, at, alone);
    window.add(pane);
    expect(resultOf({ function: 'mean', scale: null }, window, 0)).toBe(value);
    window.subtract(pane);
    expect(resultOf({ function: 'sum', scale: null }, window, 0)).toBe(1.5);
  }
});

test('a sum of 0 is 0, not -0', () => {
  expect([sum(float64, [-0]), sum(float64, [-0, -0]), sum(float64, [1, -1]), mean(float64, [-0])]).toEqual([
    0, 0, 0, 0,
  ]);
});

test('a window of three panes with 10, 30 | 20 | 5 has the sample deviation 11.09 and that of the population 9.60', () => {
  const window = createAggregate({ kind: 'moments', type: int64 }, 'window');
  for (const values of [[10n, 30n], [20n], [5n]]) {
    const pane = createAggregate({ kind: 'moments', type: int64 }, 'pane');
    for (const value of values) pane.insert(value, at, alone);
    window.add(pane);
  }
  const show = (population: boolean): number =>
    resultOf({ function: 'stddev', population, scale: 0 }, window, 0) as number;
  expect([show(false), show(true)].map((value) => value.toFixed(2))).toEqual(['11.09', '9.60']);
});

test('the variance of values that are close to each other and far from 0 loses nothing', () => {
  const values = [1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16];
  expect(stddev(float64, values, false)).toBe(Math.sqrt(30));
  expect(stddev(int64, values.map(BigInt), false, 0)).toBe(Math.sqrt(30));
  expect(stddev({ kind: 'decimal', precision: 12, scale: 2 }, [100n, 100n, 100n], true, 2)).toBe(0);
});

test('squares neither overflow nor vanish', () => {
  expect(stddev(float64, [1e200, 3e200], true)).toBe(1e200);
  expect(stddev(float64, [1e-200, 3e-200], true)).toBe(1e-200);
  expect(stddev(float64, [5e-324, 0], true)).toBe(0);
});

test('a sample of one has no variance, a population of one has 0, and infinity has none that is a number', () => {
  expect(stddev(float64, [5], false)).toBeNull();
  expect(stddev(float64, [5], true)).toBe(0);
  expect(stddev(float64, [Infinity], false)).toBeNull();
  expect(stddev(float64, [Infinity], true)).toBeNaN();
  expect(stddev(float64, [1, Number.NaN], false)).toBeNaN();
});

test('nulls do not count', () => {
  expect(sum(int64, [null, null], 0)).toBeNull();
  expect(mean(float64, [null, 3, null])).toBe(3);
  const aggregate = createAggregate({ kind: 'sum', type: float64 }, 'pane');
  expect(aggregate.retract(null, at, alone)).toBe(true);
  expect(aggregate.retract(1, at, alone)).toBe(false);
});

test('a sum beyond 38 digits is null, and exact again when it comes back: a Parquet file wrapped it', () => {
  const aggregate = createAggregate({ kind: 'sum', type: { kind: 'decimal', precision: 38, scale: 0 } }, 'window');
  const sum: ResultPlan = { function: 'sum', scale: 0 };
  const most = 10n ** 38n - 1n;
  aggregate.insert(most, rowAt(1), null);
  expect(resultOf(sum, aggregate, 0)).toBe(most);
  aggregate.insert(1n, rowAt(2), null);
  expect(resultOf(sum, aggregate, 0)).toBeNull();
  aggregate.retract(most, rowAt(1), null);
  expect(resultOf(sum, aggregate, 0)).toBe(1n);
});
