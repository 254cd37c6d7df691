import { expect, test } from 'vitest';
import { ArrivingPartitions } from '../../../src/worker/arriving-partitions.ts';

const [a, b] = [
  { topic: 'rows', partition: 0 },
  { topic: 'rows', partition: 1 },
];

test('what is lost before it is owned stays with nobody', () => {
  const arriving = new ArrivingPartitions();
  const isStill = arriving.arrive([a, b]);
  arriving.lose([a]);
  expect([a, b].map(isStill)).toEqual([false, true]);
});

test('one that comes back belongs to its newest arrival', () => {
  const arriving = new ArrivingPartitions();
  const first = arriving.arrive([a]);
  arriving.lose([a]);
  const second = arriving.arrive([a]);
  expect(first(a)).toBe(false);
  expect(second(a)).toBe(true);
});
