/** I1: what a task does does not depend on how often it was restored from its commits, and its bytes not on how it came there. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { EntityPlan } from '../../../src/define/plan.ts';
import { EntityTask, type Emission } from '../../../src/entity/entity-task.ts';
import { taskRecordKey } from '../../../src/entity/state-key.ts';
import { decodeTaskRecord } from '../../../src/entity/task-record.ts';
import { planOf } from '../../../src/testing/simulation/defined-views.ts';
import type { EmitSpec } from '../../../src/testing/simulation/naive-oracle/spec.ts';
import { Random } from '../../../src/testing/simulation/random.ts';
import { History, histories, type HistoryStep } from '../../support/entity-history.ts';
import { closingEntity, randomEntity, second_us } from '../../support/entity-spec.ts';
import { expectMany, replayable, seeds } from '../../support/replayable.ts';

/** What commits left: the newest value of each changelog key. */
type Stored = Map<string, Buffer>;

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

function commit(task: EntityTask, position: number, stored: Stored): void {
  for (const { key, value } of [...task.takeChanges(), task.recorder(position)(-1)]) {
    if (value === null) stored.delete(hex(key));
    else stored.set(hex(key), Buffer.from(value));
  }
}

function restore(plan: EntityPlan, stored: Stored): { task: EntityTask; position: number } {
  const bytes = stored.get(hex(taskRecordKey));
  const record = bytes === undefined ? null : decodeTaskRecord(bytes, plan);
  const task = new EntityTask(plan, record);
  for (const [key, value] of [...stored].sort(byKey)) task.load({ key: Buffer.from(key, 'hex'), value });
  return { task, position: record?.position ?? 0 };
}

/** As a store gives them. */
const byKey = ([a]: readonly [string, Buffer], [b]: readonly [string, Buffer]): number => (a < b ? -1 : 1);

const emits: readonly EmitSpec[] = [
  { kind: 'changes' },
  { kind: 'changes' },
  { kind: 'every', interval_us: 7 * second_us },
];

/** Views, and what happens to them. */
function played(seed: number, steps: readonly HistoryStep[]): { plan: EntityPlan; history: History } {
  const random = new Random(seed);
  const spec = seed % 5 === 0 ? closingEntity(random) : randomEntity(random, { emit: emits });
  const plan = planOf(spec, 'property').entities[0]!;
  const history = new History(spec, plan, { partitions: 1 + (seed % 2) });
  history.take(steps);
  return { plan, history };
}

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
    const onDisk = [...stored].flatMap(
      ([key, value]) => restored.publishedOnDisk({ key: Buffer.from(key, 'hex'), value }) ?? [],
    );
    expect(inMemory.length + onDisk.length).toBe(newest.size);
    expect(new Map([...inMemory, ...onDisk].map((emission) => [idOf(emission), emission]))).toEqual(newest);
  });
});
