/**
 * Workers are scaled from 1 to 3 to 2 while rows flow, once by planned moves and once by losing one. Tasks are spread evenly after each
 * step, every committed row comes online, and everything equals SQL at the end. The short form of `npm run chaos -- --scale`; the tests
 * are one story and run in order.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { kill, start, stop, type ScaleStep } from '../chaos/scale-steps.ts';
import { Scaling } from '../chaos/scaling.ts';

const keys = 60;
let scaling: Scaling;

/** @returns how many entity tasks each worker had after each step. */
async function sharesAfter(steps: readonly ScaleStep[]): Promise<number[][]> {
  const { steps: made, compared } = await scaling.run(steps);
  expect(compared.mismatches.slice(0, 5), `${compared.mismatches.length} mismatches`).toEqual([]);
  expect(compared.nonEmpty).toBeGreaterThan(1900);
  for (const { gaps, name } of made) expect(gaps.keys, `keys with rows: ${name}`).toBe(keys);
  return made.map(({ shares }) => shares.map(({ entity }) => entity));
}

beforeAll(async () => {
  scaling = await Scaling.create({ seed: 3, keys, users: 2000, perSecond: 200 });
  await scaling.startWorkers(1);
});

afterAll(async () => {
  await scaling.close();
});

test('two are started, and the one that had everything is stopped', async () => {
  const shares = await sharesAfter([start('1 → 3', 1, 2), stop('3 → 2', 0)]);
  expect(shares).toEqual([
    [4, 4, 4],
    [6, 6],
  ]);
});

test('one is started, and another is killed', async () => {
  const shares = await sharesAfter([start('2 → 3', 0), kill('3 → 2', 1)]);
  expect(shares).toEqual([
    [4, 4, 4],
    [6, 6],
  ]);
});
