import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { EntityTask, type Emission } from '../../../src/entity/entity-task.ts';
import { decodeTaskRecord } from '../../../src/entity/task-record.ts';
import { taskRecordKey } from '../../../src/entity/state-key.ts';
import { History, historyStep } from '../../support/entity-history.ts';
import { userPlan } from '../../support/shop.ts';

/** What commits left: the newest value of each changelog key. */
type Stored = Map<string, Buffer>;

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

function commit(task: EntityTask, position: number, stored: Stored): void {
  for (const { key, value } of [...task.takeChanges(), task.recorder(position)(-1)]) {
    if (value === null) stored.delete(hex(key));
    else stored.set(hex(key), Buffer.from(value));
  }
}

function restore(stored: Stored): { task: EntityTask; position: number } {
  const bytes = stored.get(hex(taskRecordKey));
  const record = bytes === undefined ? null : decodeTaskRecord(bytes, userPlan);
  const task = new EntityTask(userPlan, record);
  for (const [key, value] of stored) task.load({ key: Buffer.from(key, 'hex'), value });
  return { task, position: record?.position ?? 0 };
}

const chaos = fc.array(fc.constantFrom('nothing', 'nothing', 'commit', 'crash'), { minLength: 1, maxLength: 40 });

test('I1: a task restored from its commits, at any point, emits the same values and leaves the same bytes', () => {
  let crashes = 0;
  fc.assert(
    fc.property(fc.array(historyStep, { minLength: 1, maxLength: 60 }), chaos, (steps, faults) => {
      const history = new History();
      history.take(steps);
      const frames = history.frames.map(({ frame }) => frame);
      const plain = new EntityTask(userPlan);
      const expected = frames.map((frame, position) => plain.apply(frame, position));
      const wanted: Stored = new Map();
      commit(plain, frames.length, wanted);

      const stored: Stored = new Map();
      let { task, position } = restore(stored);
      for (let turn = 0; position < frames.length; turn++) {
        const fault = faults[turn % faults.length];
        if (fault === 'commit') commit(task, position, stored);
        // Enough crashes to meet each state, not so many that it never ends.
        if (fault === 'crash' && turn < 500) {
          crashes++;
          ({ task, position } = restore(stored));
        }
        const emitted: Emission[] = task.apply(frames[position]!, position);
        expect(emitted).toEqual(expected[position]);
        position++;
      }
      commit(task, position, stored);
      expect(task.size).toBe(plain.size);
      expect([...stored].sort()).toEqual([...wanted].sort());
    }),
    { numRuns: 300 },
  );
  expect(crashes).toBeGreaterThan(100);
});

test('what was published last of every key is known after a restore: in memory, and on disk alone', () => {
  fc.assert(
    fc.property(fc.array(historyStep, { minLength: 1, maxLength: 40 }), (steps) => {
      const history = new History();
      history.take(steps);
      const task = new EntityTask(userPlan);
      const newest = new Map<string, Emission>();
      history.frames.forEach(({ frame }, position) => {
        for (const emission of task.apply(frame, position)) newest.set(emission.key, { ...emission, cause: null });
      });
      const before = [...task.published()];
      expect(new Map(before.map((emission) => [emission.key, emission]))).toEqual(newest);
      const stored: Stored = new Map();
      commit(task, history.frames.length, stored);
      const { task: restored } = restore(stored);
      const inMemory = [...restored.published()];
      const onDisk = [...stored].flatMap(
        ([key, value]) => restored.publishedOnDisk({ key: Buffer.from(key, 'hex'), value }) ?? [],
      );
      expect(inMemory.length + onDisk.length).toBe(newest.size);
      expect(new Map([...inMemory, ...onDisk].map((emission) => [emission.key, emission]))).toEqual(newest);
    }),
    { numRuns: 200 },
  );
});
