import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Acknowledgements } from '../../../src/log/kafka/acknowledgements.ts';
import { seeded } from '../../support/prng.ts';

/** Whether it has resolved by now. */
async function isDone(promise: Promise<void>): Promise<boolean> {
  const pending = Symbol('pending');
  return (await Promise.race([promise, Promise.resolve(pending)])) !== pending;
}

describe('acknowledgements', () => {
  test('those of later records do not stand for one of a slow partition: a flush that counted them let source offsets be committed whose frames were not in the log', async () => {
    const acknowledgements = new Acknowledgements();
    const slow = acknowledgements.next();
    const flushed = acknowledgements.all();
    const [first, second] = [acknowledgements.next(), acknowledgements.next()];
    acknowledgements.take(first);
    acknowledgements.take(second);
    expect(await isDone(flushed)).toBe(false);
    acknowledgements.take(slow);
    expect(await isDone(flushed)).toBe(true);
    expect(await isDone(acknowledgements.all())).toBe(true);
  });

  test('in whatever order they come, all is settled with the last of those that were sent before', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), fc.integer({ min: 1, max: 30 }), fc.nat(30), async (seed, before, after) => {
        const acknowledgements = new Acknowledgements();
        const sent = Array.from({ length: before }, () => acknowledgements.next());
        const settled = acknowledgements.all();
        const later = Array.from({ length: after }, () => acknowledgements.next());
        const missing = new Set(sent);
        for (const number of seeded(seed).shuffled([...sent, ...later])) {
          acknowledgements.take(number);
          missing.delete(number);
          expect(await isDone(settled)).toBe(missing.size === 0);
        }
      }),
    );
  });

  test('a failure reaches those who wait', async () => {
    const acknowledgements = new Acknowledgements();
    acknowledgements.next();
    const flushed = acknowledgements.all();
    acknowledgements.fail(new Error('gone'));
    await expect(flushed).rejects.toThrow('gone');
  });
});
