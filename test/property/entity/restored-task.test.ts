/** I1: what a task does does not depend on how often it was restored from its commits, and its bytes not on how it came there. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { EntityTask, type Emission } from '../../../src/entity/entity-task.ts';
import { PublishedOnDisk } from '../../../src/entity/published-on-disk.ts';
import { histories } from '../../support/entity-history.ts';
import { expectMany, replayable, seeds } from '../../support/replayable.ts';
import { byKey, commit, played, restore, type Stored } from '../../support/stored-task.ts';

/** Per turn, what goes wrong. */
const faults = fc.array(fc.constantFrom('nothing', 'nothing', 'commit', 'crash'), { minLength: 1, maxLength: 40 });

test('a task restored from its commits, at any point, emits the same values and leaves the same bytes', () => {
  let crashes = 0;
  replayable(200, fc.tuple(seeds, faults), histories, ([seed, chaos], steps) => {
    const { plan, history } = played(seed, steps);
    if (seed % 2 === 0) history.end();
    const frames = history.frames.map(({ frame }) => frame);
    const plain = new EntityTask(plan);
    const expected = frames.map((frame, position) => plain.apply(frame, position));
    const wanted: Stored = new Map();
    commit(plain, frames.length, wanted);

    const stored: Stored = new Map();
    let { task, position } = restore(plan, stored);
    for (let turn = 0; position < frames.length; turn++) {
      const fault = chaos[turn % chaos.length];
      if (fault === 'commit') commit(task, position, stored);
      // Enough crashes to meet each state, not so many that it never ends.
      if (fault === 'crash' && turn < 500) {
        crashes++;
        ({ task, position } = restore(plan, stored));
      }
      const emitted: Emission[] = task.apply(frames[position]!, position);
      expect(emitted).toEqual(expected[position]);
      position++;
    }
    commit(task, position, stored);
    expect(task.size).toBe(plain.size);
    expect([...stored].sort(byKey)).toEqual([...wanted].sort(byKey));
  });
  expectMany(crashes, 100);
});

test('what was published last of every key is known after a restore: in memory, and on disk alone', () => {
  replayable(100, seeds, histories, (seed, steps) => {
    const { plan, history } = played(seed, steps);
    const task = new EntityTask(plan);
    const newest = new Map<string, Emission>();
    const idOf = ({ view, key }: Emission): string => `${view.name} ${key}`;
    history.frames.forEach(({ frame }, position) => {
      for (const emission of task.apply(frame, position)) newest.set(idOf(emission), { ...emission, cause: null });
    });
    const before = [...task.published()];
    expect(new Map(before.map((emission) => [idOf(emission), emission]))).toEqual(newest);
    const stored: Stored = new Map();
    commit(task, history.frames.length, stored);
    const { task: restored } = restore(plan, stored);
    const inMemory = [...restored.published()];
    const reading = new PublishedOnDisk(restored);
    const onDisk = [...stored]
      .sort(byKey)
      .map(([key, value]) => reading.take({ key: Buffer.from(key, 'hex'), value }))
      .concat(reading.end())
      .filter((emission) => emission !== null);
    expect(inMemory.length + onDisk.length).toBe(newest.size);
    expect(new Map([...inMemory, ...onDisk].map((emission) => [idOf(emission), emission]))).toEqual(newest);
  });
});
