import { expect, test } from 'vitest';
import { growth } from '../../../../../src/testing/simulation/soak/flatness.ts';
import type { SoakDay } from '../../../../../src/testing/simulation/soak/soak-day.ts';

const days = (count: number, figure: (day: number) => number): SoakDay[] =>
  Array.from({ length: count }, (_, i) => ({
    day: i + 1,
    figures: new Map([
      ['KeyTable.departed', figure(i + 1)],
      ['KeyTable.states', 100 + (i % 3)],
    ]),
    grows: { emptied: 30 * i, onDisks: 0, files: 40 * i },
  }));

test('what stays as large as it is, more or less, is flat', () => {
  expect(
    growth(
      days(30, (day) => 200 + 20 * (day % 2)),
      3,
    ),
  ).toEqual([]);
});

test('a few entries a day that never go are found under their name', () => {
  expect(
    growth(
      days(30, (day) => 5 * day),
      3,
    ),
  ).toEqual(['I9: KeyTable.departed: about 40 until day 12, 130 from day 22']);
});

test('so is what grows beside much that stays', () => {
  expect(
    growth(
      days(30, (day) => 500 + 15 * day),
      3,
    ),
  ).toHaveLength(1);
});

test('growth before the longest window is full does not count', () => {
  expect(
    growth(
      days(30, (day) => 1000 * Math.min(day, 4)),
      3,
    ),
  ).toEqual([]);
});

test('days that cannot show growth are refused', () => {
  expect(() =>
    growth(
      days(4, () => 0),
      3,
    ),
  ).toThrow('show no growth');
});
