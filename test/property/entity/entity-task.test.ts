import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { EntityTask, type Emission } from '../../../src/entity/entity-task.ts';
import { expectedValues } from '../../oracle/tumbling.ts';
import { History, historyStep as step } from '../../support/entity-history.ts';
import { userPlan } from '../../support/shop.ts';

test('every emitted value equals a recount of the live rows at its own T', () => {
  let compared = 0;
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 60 }), (steps) => {
      const history = new History();
      history.take(steps);
      const task = new EntityTask(userPlan);
      const newest = new Map<string, Emission>();
      history.frames.forEach(({ frame, live }, position) => {
        for (const emission of task.apply(frame, position)) newest.set(emission.key, emission);
        if (live.length === 0) return;
        newest.forEach(({ key, asOf_us, values }) => {
          expect({ key, asOf_us, values }).toEqual({ key, asOf_us, values: expectedValues(live, key, asOf_us) });
          compared++;
        });
      });
    }),
    { numRuns: 500 },
  );
  expect(compared).toBeGreaterThan(1000);
});

test('when time has passed every window, nothing is kept and every value is empty', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 40 }), (steps) => {
      const history = new History();
      history.take(steps);
      const task = new EntityTask(userPlan);
      const newest = new Map<string, Emission>();
      history.frames.forEach(({ frame }, position) => {
        for (const emission of task.apply(frame, position)) newest.set(emission.key, emission);
      });
      expect(task.size).toBe(0);
      newest.forEach(({ values }) => {
        expect(values).toEqual([0n, null, null]);
      });
    }),
  );
});
