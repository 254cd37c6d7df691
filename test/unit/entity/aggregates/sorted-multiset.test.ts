import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { SortedMultiset } from '../../../../src/entity/aggregates/sorted-multiset.ts';

const ascending = (a: number, b: number): number => a - b;

/** Each item as often as it is there. */
function itemsOf(set: SortedMultiset<number>): number[] {
  const items: number[] = [];
  set.forEach((item, count) => items.push(...new Array<number>(count).fill(item)));
  return items;
}

/** All that can be asked of it. */
function expectToHold(set: SortedMultiset<number>, items: readonly number[]): void {
  const sorted = items.toSorted(ascending);
  expect(itemsOf(set)).toEqual(sorted);
  expect([set.total, set.distinct]).toEqual([items.length, new Set(items).size]);
  expect([set.first, set.last]).toEqual([sorted[0], sorted.at(-1)]);
  for (const limit of [0, 1, 7, 10_000]) {
    expect(set.firstItems(limit)).toEqual(sorted.slice(0, limit));
    expect(set.lastItems(limit)).toEqual(sorted.toReversed().slice(0, limit));
  }
  for (let rank = 0; rank < sorted.length; rank += 1 + Math.floor(sorted.length / 40))
    expect(set.at(rank)).toBe(sorted[rank]);
  for (const item of [-1, 0.5, ...sorted.filter((_, i) => i % 97 === 0), Infinity]) {
    expect(set.floor(item)).toBe(sorted.findLast((other) => other <= item));
    expect(set.count(item)).toBe(items.filter((other) => other === item).length);
  }
}

/** Runs of changes that fill and empty chunks: up, down, at random, many of one. */
const run = fc.record({
  shape: fc.constantFrom('rising', 'falling', 'random', 'same'),
  from: fc.nat(2000),
  length: fc.integer({ min: 1, max: 700 }),
  remove: fc.boolean(),
  count: fc.constantFrom(1, 1, 3),
});

function itemsOfRun({ shape, from, length }: { shape: string; from: number; length: number }): number[] {
  return Array.from({ length }, (_, i) => {
    if (shape === 'rising') return from + i;
    if (shape === 'falling') return from + length - i;
    return shape === 'same' ? from : (from + i * 7919) % 2003;
  });
}

const runs = fc.array(run, { maxLength: 12 });

function play(
  set: SortedMultiset<number>,
  all: readonly (typeof run extends fc.Arbitrary<infer R> ? R : never)[],
): number[] {
  const counts = new Map<number, number>();
  for (const one of all) {
    for (const item of itemsOfRun(one)) {
      const before = counts.get(item) ?? 0;
      expect(one.remove ? set.remove(item, one.count) : set.add(item, one.count)).toBe(before);
      if (!one.remove) counts.set(item, before + one.count);
      else if (before >= one.count) counts.set(item, before - one.count);
    }
  }
  return [...counts].flatMap(([item, count]) => new Array<number>(count).fill(item));
}

test('any additions and removals give what a sorted array gives', () => {
  fc.assert(
    fc.property(runs, (all) => {
      const set = new SortedMultiset(ascending);
      expectToHold(set, play(set, all));
    }),
    { numRuns: 25 },
  );
});

test('what is added whole can be taken away whole', () => {
  fc.assert(
    fc.property(runs, runs, (all, others) => {
      const [set, other] = [new SortedMultiset(ascending), new SortedMultiset(ascending)];
      const [items, otherItems] = [play(set, all), play(other, others)];
      set.addAll(other);
      expectToHold(set, [...items, ...otherItems]);
      set.removeAll(other);
      expectToHold(set, items);
      expectToHold(other, otherItems);
    }),
    { numRuns: 15 },
  );
});

test('one that was copied from another goes its own way', () => {
  const [set, other] = [new SortedMultiset(ascending), new SortedMultiset(ascending)];
  for (let i = 0; i < 1000; i++) other.add(i);
  set.addAll(other);
  set.add(5);
  set.remove(999);
  expect([other.total, other.count(5), other.last]).toEqual([1000, 1, 999]);
});

test('either end can be taken off until nothing is left', () => {
  const set = new SortedMultiset(ascending);
  for (let i = 0; i < 1000; i++) set.add(i, 1 + (i % 2));
  const taken: number[] = [];
  while (set.total > 0) taken.push(set.removeFirst(), ...(set.total > 0 ? [set.removeLast()] : []));
  expect(taken).toHaveLength(1500);
  expect(taken.slice(0, 4)).toEqual([0, 999, 1, 999]);
  expect([set.distinct, set.first, set.last, set.floor(Infinity)]).toEqual([0, undefined, undefined, undefined]);
});
