/** Restores without a disk: from a snapshot and the tail of the changelog, and what makes a snapshot unfit for that. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RetriableError } from '../../../src/errors.ts';
import { MemoryObjectStore } from '../../../src/offline/memory/memory-object-store.ts';
import type { ObjectStore } from '../../../src/offline/object-store.ts';
import { createMemoryStateStore } from '../../../src/state/memory/memory-state-store.ts';
import { decodeManifest, encodeManifest, type SnapshotManifest } from '../../../src/state/snapshots/snapshot-format.ts';
import type { StateStore } from '../../../src/state/state-store.ts';
import { writeSnapshot } from '../../../src/state/snapshots/snapshot-writer.ts';
import { stateVersion } from '../../../src/entity/task-record.ts';
import { systemClock } from '../../../src/time/clock.ts';
import { changelogTopic, tombstoneRetention_ms } from '../../../src/worker/topics.ts';
import { envelope, transactionFields } from '../../support/envelope.ts';
import { application, MemoryFleet, type RunningWorker } from '../../support/memory-worker.ts';
import { until } from '../../support/until.ts';
import { plan, topic } from '../../support/user-counts.ts';

const now_us = Date.now() * 1000;
const users = 40;

let fleet: MemoryFleet;
let objects: MemoryObjectStore;
let rows = 0;

function append(): void {
  const id = ++rows;
  const row = { id, user: id % users, cents: 100, status: 'ok', location: null, time_us: now_us + id };
  fleet.append(topic, id, envelope({ after: transactionFields(row), commit_us: now_us + id, sequence: [null, id] }));
}

const manifests = async (): Promise<readonly string[]> =>
  (await objects.list('state/')).filter((name) => name.endsWith('/manifest'));
/** Whose snapshot it is. */
const taskOf = (name: string): string => name.split('/').slice(0, -2).join('/');

/** Rows for every user, with a worker on the disk, and then a snapshot of each task if wanted. */
async function pass(state: StateStore, withSnapshot: boolean): Promise<void> {
  const { worker } = start({ state });
  await worker.start();
  for (let i = 0; i < users; i++) append();
  await until('all is online', () => worker.settled());
  await worker.stop();
  if (!withSnapshot) return;
  const entity = plan.entities[0]!;
  const { id: topicId } = (await fleet.log.describeTopics([changelogTopic(application, entity)]))
    .values()
    .next().value!;
  const options = { objects, clock: systemClock, part_bytes: 50, rate_bytes: 1e9 };
  for (const task of await state.tasks()) {
    const snapshot = (await state.snapshot(task))!;
    const of = { task, topicId, generation: entity.generation, definition: stateVersion(entity) };
    await writeSnapshot(options, of, snapshot, () => true);
  }
}

/** Each task has two snapshots, and more rows behind them. */
beforeEach(async () => {
  rows = 0;
  objects = new MemoryObjectStore();
  fleet = await MemoryFleet.create(plan);
  const state = createMemoryStateStore();
  for (const withSnapshot of [true, true, false]) await pass(state, withSnapshot);
});
afterEach(() => fleet.close());

function groups(names: readonly string[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const name of names) found.set(taskOf(name), [...(found.get(taskOf(name)) ?? []), name]);
  return found;
}

function start(ports: Parameters<MemoryFleet['worker']>[0] = {}): RunningWorker {
  return fleet.worker({ state: createMemoryStateStore(), objects, ...ports });
}

/** A worker that uses snapshots and puts none, once every user is as it was. */
async function restored(ports: { state?: StateStore; objects?: ObjectStore } = {}): Promise<RunningWorker> {
  const running = start({ stateSnapshots: { interval_ms: 86_400_000 }, ...ports });
  await running.worker.start();
  for (let i = 0; i < users; i++) append();
  await fleet.settled(running);
  const wanted = new Map<number, number>();
  for (let id = 1; id <= rows; id++) wanted.set(id % users, (wanted.get(id % users) ?? 0) + 1);
  for (const [id, n] of wanted) expect(await fleet.features(`user_features:${id}`)).toEqual({ n: String(n) });
  expect(running.failures).toEqual([]);
  return running;
}

const counted = async ({ metrics }: RunningWorker, series: string): Promise<number> =>
  Number(new RegExp(`^${series} (\\d+)$`, 'm').exec(await metrics.render())?.[1] ?? 0);
const from = (running: RunningWorker, source: string): Promise<number> =>
  counted(running, `millrace_restores_total\\{from="${source}"\\}`);
const passedOver = (running: RunningWorker, reason: string): Promise<number> =>
  counted(running, `millrace_state_snapshots_passed_over_total\\{reason="${reason}"\\}`);

/** Changes the newest snapshot of each task, or all of them. */
async function rewrite(
  which: 'newest' | 'all',
  change: (manifest: SnapshotManifest) => Partial<SnapshotManifest>,
): Promise<number> {
  let changed = 0;
  for (const names of groups(await manifests()).values()) {
    for (const name of which === 'all' ? names : names.slice(-1)) {
      const manifest = decodeManifest(name, (await objects.read(name))!);
      await objects.delete(name);
      await objects.create(name, encodeManifest({ ...manifest, ...change(manifest) }));
      changed++;
    }
  }
  return changed;
}

test('the newest snapshot and the tail of the changelog', async () => {
  const tasks = groups(await manifests()).size;
  const running = await restored();
  expect(await from(running, 'snapshot')).toBe(tasks);
  expect(await passedOver(running, 'corrupt')).toBe(0);
  const changelog = await fleet.records(changelogTopic(application, plan.entities[0]!));
  const read = await counted(running, 'millrace_restored_records_total');
  expect(read).toBeGreaterThan(0);
  expect(read).toBeLessThan(changelog.length / 2);
});

test('a running worker puts snapshots; two are kept, and nothing of older ones', async () => {
  const { worker, metrics } = start({ stateSnapshots: { interval_ms: 50, part_bytes: 50 } });
  const before = await objects.list('state/');
  await worker.start();
  await until(
    'there are other ones',
    async () => {
      append();
      const text = await metrics.render();
      const written = Number(/snapshots_total\{result="written"\} (\d+)/.exec(text)?.[1] ?? 0);
      return written > 30;
    },
    40_000,
    50,
  );
  await worker.stop();
  const names = await objects.list('state/');
  expect(names.filter((name) => before.includes(name)).length).toBeLessThan(before.length);
  for (const kept of groups(await manifests()).values()) expect(kept).toHaveLength(2);
  const folderOf = (name: string): string => name.slice(0, name.lastIndexOf('/'));
  const whole = (await manifests()).map(folderOf).sort();
  for (const folder of new Set(names.map(folderOf))) {
    if (whole.includes(folder)) continue;
    // The stop came in its middle: it goes with the next ones of its task.
    const newest = whole.findLast((each) => taskOf(`${each}/`) === taskOf(`${folder}/`))!;
    expect(folder > newest, `${folder} is behind ${newest}`).toBe(true);
  }
});

test('a disk that was kept comes first', async () => {
  const state = createMemoryStateStore();
  await (await restored({ state })).worker.stop();
  const running = await restored({ state });
  expect(await from(running, 'snapshot')).toBe(0);
  expect(await from(running, 'disk')).toBeGreaterThan(0);
});

test.each([
  ['of another definition', 'foreign', () => ({ definition: '0000000000000000' })],
  ['of another generation', 'foreign', () => ({ generation: 9 })],
  ['of a topic that was made anew', 'foreign', () => ({ topicId: 'f'.repeat(32) })],
  [
    'as old as half the time that removals are kept',
    'old',
    () => ({ written_ms: Date.now() - tombstoneRetention_ms / 2 }),
  ],
] as const)('a snapshot %s is passed over, and the one before it is used', async (_, reason, change) => {
  const changed = await rewrite('newest', change);
  const running = await restored();
  expect(await passedOver(running, reason)).toBe(changed);
  expect(await from(running, 'snapshot')).toBe(changed);
});

test('one that is ahead of the changelog is passed over', async () => {
  for (const names of groups(await manifests()).values()) {
    const name = names.at(-1)!;
    const manifest = decodeManifest(name, (await objects.read(name))!);
    const changelogOffset = 1_000_000;
    const ahead = name.replace(/\/\d{20}\//, `/${String(changelogOffset).padStart(20, '0')}/`);
    await objects.create(ahead, encodeManifest({ ...manifest, changelogOffset }));
  }
  const running = await restored();
  expect(await passedOver(running, 'ahead')).toBeGreaterThan(0);
  expect(await from(running, 'snapshot')).toBeGreaterThan(0);
});

test.each(['manifest', 'part'] as const)(
  'a flipped bit in a %s is noticed; without a good one all is read',
  async (kind) => {
    for (const name of await objects.list('state/')) {
      if (name.endsWith('/manifest') !== (kind === 'manifest')) continue;
      const body = Uint8Array.from((await objects.read(name))!);
      body[body.length >> 1]! ^= 1;
      await objects.delete(name);
      await objects.create(name, body);
    }
    const running = await restored();
    expect(await passedOver(running, 'corrupt')).toBe((await manifests()).length);
    expect(await from(running, 'snapshot')).toBe(0);
    expect(await from(running, 'changelog')).toBeGreaterThan(0);
  },
);

test('a snapshot whose last part is lost leaves nothing of the others', async () => {
  const lost = groups((await objects.list('state/')).filter((name) => !name.endsWith('/manifest')));
  for (const names of lost.values()) await objects.delete(names.at(-1)!);
  const running = await restored();
  expect(await passedOver(running, 'lost')).toBe(lost.size);
  expect(await from(running, 'snapshot')).toBe(lost.size);
});

test('an object store that does not answer costs a restore its snapshots, not the task', async () => {
  const away = new RetriableError('store-unavailable', 'away');
  const running = await restored({
    objects: Object.assign(Object.create(objects) as MemoryObjectStore, {
      list: (prefix: string) => (prefix.startsWith('state/') ? Promise.reject(away) : objects.list(prefix)),
    }),
  });
  expect(await passedOver(running, 'unreachable')).toBeGreaterThan(0);
  expect(await from(running, 'snapshot')).toBe(0);
});

test('a store in which a snapshot stands by half is wiped', async () => {
  const state = createMemoryStateStore();
  await (await restored({ state })).worker.stop();
  for (const task of await state.tasks()) {
    const checkpoint = (await state.checkpoint(task))!;
    await state.write([{ task, entries: [], checkpoint: { ...checkpoint, changelogOffset: -1 } }]);
  }
  const running = await restored({ state });
  expect(await counted(running, 'millrace_state_wiped_total')).toBe((await state.tasks()).length);
});
