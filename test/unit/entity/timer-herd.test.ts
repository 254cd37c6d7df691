/** A window end with many keys spreads over frames. */
import { expect, test } from 'vitest';
import { EntityTask, timersPerFrame, timersPerTick, type Emission } from '../../../src/entity/entity-task.ts';
import type { TickFrame } from '../../../src/frames/row-frame.ts';
import { inserted, marksAt, rowsFrame, second_us, start_us, transaction } from '../../support/entity-frames.ts';
import { userPlan } from '../../support/shop.ts';

const tick: TickFrame = { kind: 'tick' };
const at = (seconds: number): number => start_us + seconds * second_us;
const keysOf = (emissions: readonly Emission[]): string[] => emissions.map(({ key }) => key);

/** Users 0, 1, … with one row each, at second 0 or 60 by turns: a window of a minute ends for each at 60 or 120. */
function crowded(users: number): EntityTask {
  const task = new EntityTask(userPlan);
  const rows = Array.from({ length: users }, (_, i) => inserted(i, transaction(i, i, at((i % 2) * 60))));
  task.apply(rowsFrame(0, rows), 0);
  return task;
}

/** Of the last frame. */
const rest = timersPerTick / 2;
const users = timersPerFrame + timersPerTick + rest;
const inTurn = (odd: number): string[] =>
  Array.from({ length: users }, (_, i) => i)
    .filter((i) => i % 2 === odd)
    .map(String)
    .sort();

test('a frame fires so many timers and no more; further frames fire the rest, by time and key, none lost or twice', () => {
  const task = crowded(users);
  const fired = [task.apply(marksAt(at(120)), 1)];
  while (task.hasDueTimers) fired.push(task.apply(tick, fired.length + 1));
  expect(fired.map((emissions) => emissions.length)).toEqual([timersPerFrame, timersPerTick, rest]);
  expect(fired.flatMap(keysOf)).toEqual([...inTurn(0), ...inTurn(1)]);
  expect(task.takeCounters().timers).toBe(users);
});

test('what a timer fires is as of the clock mark, whichever frame it comes up in', () => {
  const task = crowded(users);
  const emissions = [task.apply(marksAt(at(120)), 1), task.apply(tick, 2), task.apply(tick, 3)];
  emissions.forEach((some, i) => {
    for (const { position, asOf_us, values, cause } of some)
      expect([position, asOf_us, values[0], values[2], cause]).toEqual([i + 1, at(120), 1n, null, null]);
  });
});

test('a row of a key whose timer waits is applied at the time of the clock, and its timer does not fire again', () => {
  const task = crowded(users);
  task.apply(marksAt(at(300)), 1);
  const last = inTurn(1).at(-1)!;
  const emissions = task.apply(rowsFrame(1, [inserted(users, transaction(users, Number(last), at(301)))]), 2);
  expect(emissions[0]).toMatchObject({ key: last, asOf_us: at(301), values: [1n, BigInt(at(301)), 100n] });
  expect(emissions).toHaveLength(1 + timersPerFrame);
  const others = [3, 4].flatMap((position) => task.apply(tick, position));
  expect(keysOf(others)).not.toContain(last);
  expect(others).toHaveLength(users - 2 * timersPerFrame - 1);
  expect(task.hasDueTimers).toBe(false);
});

test('ticks beyond need change nothing', () => {
  const task = crowded(3);
  task.apply(marksAt(at(120)), 1);
  expect([task.apply(tick, 2), task.apply(tick, 3)]).toEqual([[], []]);
});

test('when every window has passed nothing is kept', () => {
  const task = crowded(users);
  task.apply(marksAt(at(300)), 1);
  for (let position = 2; task.hasDueTimers; position++) task.apply(tick, position);
  expect(task.size).toBe(0);
});

test('a timer that a newer row moved away fires at its new time, in its turn', () => {
  const task = new EntityTask(userPlan);
  const rows = [transaction(0, 1, at(0)), transaction(1, 1, at(70)), transaction(2, 0, at(61))];
  task.apply(
    rowsFrame(
      0,
      rows.map((row, i) => inserted(i, row)),
    ),
    0,
  );
  expect(keysOf(task.apply(marksAt(at(60)), 1))).toEqual([]);
  expect(task.hasDueTimers).toBe(false);
  expect(keysOf(task.apply(marksAt(at(120)), 2))).toEqual(['0', '1']);
  expect(task.takeCounters().timers).toBe(2);
});
