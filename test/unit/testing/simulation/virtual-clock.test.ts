import { expect, test } from 'vitest';
import { Random } from '../../../../src/testing/simulation/random.ts';
import { RunError, VirtualClock } from '../../../../src/testing/simulation/virtual-clock.ts';
import { sleep } from '../../../../src/time/clock.ts';

const start_ms = Date.UTC(2026, 0, 1);
const clockOf = (seed: number, jitter_ms = 0): VirtualClock =>
  new VirtualClock({ start_ms: start_ms + 0.7, random: new Random(seed), jitter_ms });

test('timers are called in the order of their times, and time stands where they were due', async () => {
  const clock = clockOf(1);
  const calls: [string, number, number][] = [];
  const note = (name: string) => () => calls.push([name, clock.now_ms() - start_ms, clock.monotonic_ms()]);
  clock.after(20, note('b'));
  clock.after(5.5, note('a'));
  clock.after(30, note('c'))();
  clock.after(40, note('d'));
  await clock.run(() => calls.length === 3);
  expect(calls).toEqual([
    ['a', 5, 5.5],
    ['b', 20, 20],
    ['d', 40, 40],
  ]);
  expect(clock.steps).toBe(3);
});

test('timers of one time are called in an order that the seed chooses', async () => {
  const order = async (seed: number): Promise<string> => {
    const clock = clockOf(seed);
    const called: number[] = [];
    for (let i = 0; i < 4; i++) clock.after(10, () => called.push(i));
    await clock.run(() => called.length === 4);
    return called.join('');
  };
  expect(await order(1)).toBe(await order(1));
  const seen = new Set<string>();
  for (let seed = 0; seed < 200; seed++) seen.add(await order(seed));
  expect(seen.size).toBe(24);
});

test('what a timer has started comes to rest before the next one', async () => {
  const clock = clockOf(1);
  const calls: string[] = [];
  clock.after(1, () => {
    void (async () => {
      for (let i = 0; i < 100; i++) await Promise.resolve();
      calls.push('first at rest');
    })();
  });
  clock.after(1.001, () => calls.push('second'));
  await clock.run(() => calls.includes('second'));
  expect(calls).toEqual(['first at rest', 'second']);
});

test('an interval goes on until it is ended, also by its own call', async () => {
  const clock = clockOf(1);
  const times: number[] = [];
  const end = clock.every(10, () => {
    times.push(clock.monotonic_ms());
    if (times.length === 3) end();
  });
  await clock.runFor(100);
  expect(times).toEqual([10, 20, 30]);
});

test('jitter makes timers late, at most by so much, and intervals do not drift', async () => {
  const clock = clockOf(5, 4);
  const lateness: number[] = [];
  const end = clock.every(10, () => lateness.push(clock.monotonic_ms() - 10 * (lateness.length + 1)));
  await clock.run(() => lateness.length === 200);
  end();
  expect(Math.min(...lateness)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...lateness)).toBeLessThan(4);
  expect(new Set(lateness.map(Math.floor)).size).toBe(4);
});

test('work that waits on the clock is settled, with its result or its error', async () => {
  const clock = clockOf(1);
  const work = async (): Promise<number> => {
    await sleep(clock, 1000);
    return clock.monotonic_ms();
  };
  expect(await clock.settle(work())).toBe(1000);
  const broken = sleep(clock, 5).then(() => Promise.reject(new Error('broken')));
  await expect(clock.settle(broken)).rejects.toThrow('broken');
});

test('a standstill, too many steps and too much time are told apart, and say the seed', async () => {
  const never = (): boolean => false;
  const idle = clockOf(77);
  idle.after(5, () => undefined);
  await expect(idle.run(never)).rejects.toThrow(
    /after 1 steps and 0.005 s of virtual time\): no timer is left; seed 77/,
  );
  const busy = clockOf(1);
  busy.every(10, () => undefined);
  await expect(busy.run(never, { steps: 25 })).rejects.toMatchObject({ reason: 'step-limit' });
  expect(busy.steps).toBe(25);
  await expect(busy.run(never, { time_ms: 1000 })).rejects.toBeInstanceOf(RunError);
  expect(busy.monotonic_ms()).toBe(1250);
  // A limit ends the run, not the clock: nothing that was due is lost.
  await busy.runFor(15);
  expect(busy.steps).toBe(127);
});

test('an error of a timer’s call surfaces, thrown at once or by its promise', async () => {
  const clock = clockOf(1);
  clock.after(1, () => {
    throw new Error('at once');
  });
  await expect(clock.runFor(10)).rejects.toThrow('at once');
  const later: () => unknown = async () => {
    await Promise.resolve();
    throw new Error('later');
  };
  clock.after(1, later);
  await expect(clock.runFor(10)).rejects.toThrow('later');
});
