/** When the state on disk is used again, and when it is not. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createMemoryStateStore } from '../../../src/state/memory/memory-state-store.ts';
import type { StateCheckpoint, StateStore } from '../../../src/state/state-store.ts';
import { changelogTopic, entityLogTopic, tombstoneRetention_ms } from '../../../src/worker/topics.ts';
import { envelope, transactionFields } from '../../support/envelope.ts';
import { Member } from '../../support/log-member.ts';
import { application, MemoryFleet, type RunningWorker } from '../../support/memory-worker.ts';
import { until } from '../../support/until.ts';
import { plan, topic } from '../../support/user-counts.ts';

const now_us = Date.now() * 1000;
const entity = plan.entities[0]!;

function insertion(id: number): Buffer {
  const row = { id, user: 1, cents: 100, status: 'ok', location: null, time_us: now_us + id };
  return envelope({ after: transactionFields(row), commit_us: now_us + id, sequence: [null, id] });
}

let fleet: MemoryFleet;
let disk: StateStore;
/** The task that has the rows. */
let task: string;
/** Tasks that have committed anything. */
let tasks: number;

beforeEach(async () => {
  fleet = await MemoryFleet.create(plan);
  disk = createMemoryStateStore();
  const first = fleet.worker({ state: disk });
  await first.worker.start();
  for (let id = 1; id <= 50; id++) fleet.append(topic, id, insertion(id));
  await fleet.settled(first);
  await first.worker.stop();
  const records = await fleet.records(changelogTopic(application, entity));
  tasks = new Set(records.map((record) => record.partition)).size;
  const partition = records.find(({ key }) => key!.length > 1)!.partition;
  task = `${changelogTopic(application, entity)}/${partition}`;
});
afterEach(() => fleet.close());

/** A worker on a disk, once it has counted one more row. */
async function goesOn(state: StateStore): Promise<RunningWorker> {
  const running = fleet.worker({ state });
  await running.worker.start();
  fleet.append(topic, 51, insertion(51));
  await until('the row counts', async () => (await fleet.features('user_features:1'))['n'] === '51');
  return running;
}

const counted = async ({ metrics }: RunningWorker, series: string): Promise<number> =>
  Number(new RegExp(`^${series} (\\d+)$`, 'm').exec(await metrics.render())?.[1] ?? 0);
const restored = (running: RunningWorker, from: string): Promise<number> =>
  counted(running, `millrace_restores_total\\{from="${from}"\\}`);

async function rewrite(change: Partial<StateCheckpoint>): Promise<void> {
  const checkpoint = (await disk.checkpoint(task))!;
  await disk.write([{ task, entries: [], checkpoint: { ...checkpoint, ...change } }]);
}

test('a disk that was kept is used again: nothing of the changelog is read that it has', async () => {
  const running = await goesOn(disk);
  expect(await restored(running, 'disk')).toBe(tasks);
  expect(await counted(running, 'millrace_restored_records_total')).toBe(0);
  expect(await counted(running, 'millrace_state_wiped_total')).toBe(0);
});

test('without the disk the whole changelog is read', async () => {
  const running = await goesOn(createMemoryStateStore());
  expect(await restored(running, 'disk')).toBe(0);
  expect(await restored(running, 'changelog')).toBe(tasks);
  expect(await counted(running, 'millrace_restored_records_total')).toBeGreaterThan(tasks);
});

test.each([
  ['another definition wrote it', { definition: '0000000000000000' }],
  ['it is ahead of its changelog', { changelogOffset: 1_000_000 }],
  ['it is as old as half the time that removals are kept', { written_ms: Date.now() - tombstoneRetention_ms / 2 - 1 }],
])('a state on disk is wiped and read anew when %s', async (_, change) => {
  await rewrite(change);
  const running = await goesOn(disk);
  expect(await counted(running, 'millrace_state_wiped_total')).toBe(1);
  expect(await restored(running, 'disk')).toBe(tasks - 1);
});

test('a disk with entries but without their task record is wiped and read anew', async () => {
  await disk.write([
    { task, entries: [{ key: Buffer.from([0]), value: null }], checkpoint: (await disk.checkpoint(task))! },
  ]);
  const running = await goesOn(disk);
  expect(await counted(running, 'millrace_state_wiped_total')).toBe(1);
});

test('what is left of a restore can be asked for in any task that runs, and no longer once it has left', async () => {
  const running = await goesOn(disk);
  const left = async (): Promise<readonly string[]> =>
    (await running.metrics.render()).match(/^millrace_restore_records_left{.*$/gm) ?? [];
  expect(await left()).toHaveLength(entity.partitions);
  for (const line of await left()) expect(line).toMatch(/ 0$/);
  await running.worker.stop();
  expect(await left()).toEqual([]);
});

test('a group offset that is not where the state stands ends the worker, which names both and says what to do', async () => {
  const member = new Member();
  member.starts = (partitions) => partitions.map((at) => ({ ...at, offset: 0, paused: true }));
  await member.join(fleet.log, `${application}.entity`, [entityLogTopic(application, entity)]);
  await until('owned', () => member.owned.size === entity.partitions);
  const at = [...member.owned.values()].find(({ partition }) => task.endsWith(`/${partition}`))!;
  const [before] = await member.consumer!.committed([at]);
  await member.consumer!.commit([{ ...at, offset: 1 }]);
  await member.consumer!.close();
  const { worker, failures } = fleet.worker({ state: disk });
  await worker.start();
  await until('it ends', () => failures.length > 0);
  expect(failures[0]).toMatchObject({ name: 'FatalError', code: 'state-mismatch' });
  expect(failures[0]!.message).toContain(
    `stands at position ${before!.offset}, the committed offset of the group is 1.`,
  );
  expect(failures[0]!.message).toContain('Raise the generation');
});
