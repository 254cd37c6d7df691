import { expect, test } from 'vitest';
import { Random } from '../../../../src/testing/simulation/random.ts';

const draws = (random: Random, count = 50): number[] => Array.from({ length: count }, () => random.next());

test('the same seed gives the same numbers, another gives others', () => {
  expect(draws(new Random(7))).toEqual(draws(new Random('7')));
  expect(draws(new Random(7))).not.toEqual(draws(new Random(8)));
});

test('these numbers may not change: a seed that was written down must find its run again', () => {
  const random = new Random(42);
  expect([random.int(1000), random.int(1000), random.int(1000), random.int(1000)]).toEqual([899, 209, 89, 372]);
});

test('a fork is independent of what was drawn before it, and of other forks', () => {
  const one = new Random(1);
  const two = new Random(1);
  draws(two);
  expect(draws(one.fork('clock'))).toEqual(draws(two.fork('clock')));
  expect(draws(one.fork('clock'))).not.toEqual(draws(one.fork('connector')));
  expect(draws(one.fork('clock'))).not.toEqual(draws(one));
});

test('numbers spread evenly over [0, 1), ends of ranges included', () => {
  const random = new Random('spread');
  const buckets = new Array<number>(10).fill(0);
  for (const value of draws(random, 100_000)) buckets[Math.floor(value * 10)]!++;
  for (const count of buckets) expect(Math.abs(count - 10_000)).toBeLessThan(500);
  expect(new Set(Array.from({ length: 200 }, () => random.between(-1, 1)))).toEqual(new Set([-1, 0, 1]));
  expect(new Set(Array.from({ length: 200 }, () => random.int(3)))).toEqual(new Set([0, 1, 2]));
});

test('weights are kept, a weight of zero is never chosen', () => {
  const random = new Random('weights');
  const counts = new Map<string, number>();
  for (let i = 0; i < 10_000; i++) {
    const choice = random.weighted([
      [3, 'often'],
      [0, 'never'],
      [1, 'seldom'],
    ]);
    counts.set(choice, (counts.get(choice) ?? 0) + 1);
  }
  expect([...counts.keys()].sort()).toEqual(['often', 'seldom']);
  expect(Math.abs(counts.get('often')! - 7_500)).toBeLessThan(200);
  expect(() => random.weighted([[0, 'never']])).toThrow('no choice has a weight');
  expect(() => random.pick([])).toThrow('nothing to pick from');
});

test('a shuffle keeps the items and leaves the original alone', () => {
  const items = [1, 2, 3, 4, 5, 6, 7, 8];
  const shuffled = new Random(3).shuffle(items);
  expect(items).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  expect(shuffled).not.toEqual(items);
  expect([...shuffled].sort()).toEqual(items);
});
