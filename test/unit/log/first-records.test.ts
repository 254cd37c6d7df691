import { expect, test } from 'vitest';
import { FirstRecords } from '../../../src/log/kafka/first-records.ts';
import { SteppedClock } from '../../support/stepped-clock.ts';

interface Numbered {
  readonly topic: string;
  readonly partition: number;
  readonly number: number;
}

const at = (partition: number, number: number): Numbered => ({ topic: 't', partition, number });
const hour_ms = 3_600_000;

test('the first record of a partition goes alone; those behind it wait for its acknowledgement, in their order', () => {
  const firsts = new FirstRecords<Numbered>(new SteppedClock(0));
  expect([at(0, 1), at(0, 2), at(1, 3), at(0, 4)].map((record) => firsts.admits(record))).toEqual([
    true,
    false,
    true,
    false,
  ]);
  expect(firsts.acknowledged(at(1, 3))).toEqual([]);
  expect(firsts.acknowledged(at(0, 1))).toEqual([at(0, 2), at(0, 4)]);
  expect(firsts.admits(at(0, 5))).toBe(true);
  expect(firsts.admits(at(0, 6))).toBe(true);
});

test('a first record that found no room is the first again', () => {
  const firsts = new FirstRecords<Numbered>(new SteppedClock(0));
  expect(firsts.admits(at(0, 1))).toBe(true);
  firsts.notSent(at(0, 1));
  expect(firsts.admits(at(0, 1))).toBe(true);
  expect(firsts.admits(at(0, 2))).toBe(false);
  // One of another partition has no room: nothing changes here.
  firsts.notSent(at(1, 3));
  expect(firsts.acknowledged(at(0, 1))).toEqual([at(0, 2)]);
});

test('a broker may have forgotten who sent nothing for long: then there is a first record again', async () => {
  const clock = new SteppedClock(0);
  const firsts = new FirstRecords<Numbered>(clock);
  firsts.admits(at(0, 1));
  firsts.acknowledged(at(0, 1));
  await clock.pass(hour_ms - 1);
  expect(firsts.admits(at(0, 2))).toBe(true);
  expect(firsts.admits(at(0, 3))).toBe(true);
  firsts.acknowledged(at(0, 3));
  await clock.pass(hour_ms);
  expect(firsts.admits(at(0, 4))).toBe(true);
  expect(firsts.admits(at(0, 5))).toBe(false);
  expect(firsts.acknowledged(at(0, 4))).toEqual([at(0, 5)]);
});
