/** An entity task, and what its commits left. */
import type { EntityPlan } from '../../src/define/plan.ts';
import { EntityTask } from '../../src/entity/entity-task.ts';
import { taskRecordKey } from '../../src/entity/state-key.ts';
import { decodeTaskRecord } from '../../src/entity/task-record.ts';
import { planOf } from '../../src/testing/simulation/defined-views.ts';
import type { EmitSpec } from '../../src/testing/simulation/naive-oracle/spec.ts';
import { Random } from '../../src/testing/simulation/random.ts';
import { History, type HistoryStep } from './entity-history.ts';
import { closingEntity, randomEntity, second_us } from './entity-spec.ts';

/** What commits left: the newest value of each changelog key. */
export type Stored = Map<string, Buffer>;

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** What a commit writes, as of now. @returns a call that puts it into a store. */
export function takeCommit(task: EntityTask, position: number): (stored: Stored) => void {
  const changes = [...task.takeChanges(), task.recorder(position)(-1)];
  return (stored) => {
    for (const { key, value } of changes) {
      if (value === null) stored.delete(hex(key));
      else stored.set(hex(key), Buffer.from(value));
    }
  };
}

export function commit(task: EntityTask, position: number, stored: Stored): void {
  takeCommit(task, position)(stored);
}

export function restore(plan: EntityPlan, stored: Stored): { task: EntityTask; position: number } {
  const bytes = stored.get(hex(taskRecordKey));
  const record = bytes === undefined ? null : decodeTaskRecord(bytes, plan);
  const task = new EntityTask(plan, record);
  for (const [key, value] of [...stored].sort(byKey)) task.load({ key: Buffer.from(key, 'hex'), value });
  return { task, position: record?.position ?? 0 };
}

/** As a store gives them. */
export const byKey = ([a]: readonly [string, Buffer], [b]: readonly [string, Buffer]): number => (a < b ? -1 : 1);

const emits: readonly EmitSpec[] = [
  { kind: 'changes' },
  { kind: 'changes' },
  { kind: 'every', interval_us: 7 * second_us },
];

/** Views, and what happens to them. */
export function played(seed: number, steps: readonly HistoryStep[]): { plan: EntityPlan; history: History } {
  const random = new Random(seed);
  const spec = seed % 5 === 0 ? closingEntity(random) : randomEntity(random, { emit: emits });
  const plan = planOf(spec, 'property').entities[0]!;
  const history = new History(spec, plan, { partitions: 1 + (seed % 2) });
  history.take(steps);
  return { plan, history };
}
