/** Copies of the states of tasks that other workers serve: made before a worker takes part, and kept up while it runs. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Log } from '../../../src/log/log.ts';
import { silentLogger, type Logger } from '../../../src/observability/logger.ts';
import { timersOf } from '../../../src/entity/stored-timer.ts';
import { createMemoryStateStore } from '../../../src/state/memory/memory-state-store.ts';
import type { StateStore } from '../../../src/state/state-store.ts';
import { envelope, transactionFields } from '../../support/envelope.ts';
import { MemoryFleet, type RunningWorker } from '../../support/memory-worker.ts';
import { until } from '../../support/until.ts';
import { plan, topic } from '../../support/user-counts.ts';

const now_us = Date.now() * 1000;
const tasks = plan.entities[0]!.partitions;
const users = 40;

let fleet: MemoryFleet;
let rows = 0;

function append(): void {
  for (let i = 0; i < users; i++) {
    const id = ++rows;
    const row = { id, user: id % users, cents: 100, status: 'ok', location: null, time_us: now_us + id };
    fleet.append(topic, id, envelope({ after: transactionFields(row), commit_us: now_us + id, sequence: [null, id] }));
  }
}

/** One that serves all tasks, with a row for each user. */
async function serving(state: StateStore = createMemoryStateStore()): Promise<RunningWorker> {
  const running = fleet.worker({ state });
  await running.worker.start();
  append();
  await fleet.settled(running);
  return running;
}

async function counted({ metrics }: RunningWorker, series: string): Promise<number> {
  const text = await metrics.render();
  return Number(new RegExp(`^${series} (.*)$`, 'm').exec(text)?.[1] ?? 0);
}

const restoredFrom = (worker: RunningWorker, from: string): Promise<number> =>
  counted(worker, `millrace_restores_total\\{from="${from}"\\}`);

/** Every user's rows count, whoever serves them. */
async function untilCounted(each: number): Promise<void> {
  const found = (): Promise<Record<string, string>[]> =>
    Promise.all(Array.from({ length: users }, (_, u) => fleet.features(`user_features:${u}`)));
  let last: Record<string, string>[] = [];
  await until(
    () => `each has ${each}: ${JSON.stringify(last)}`,
    async () => (last = await found()).every(({ n }) => n === String(each)),
  );
}

beforeEach(async () => {
  rows = 0;
  fleet = await MemoryFleet.create(plan);
});
afterEach(() => fleet.close());

test('a worker that starts has the state of every task that another serves before it joins a group', async () => {
  const first = await serving();
  const state = createMemoryStateStore();
  let copied: readonly string[] = [];
  const joining: Log = {
    ...fleet.log,
    groupConsumer: async (options) => {
      if (options.group.endsWith('.entity'))
        copied = (await state.tasks()).filter((task) => !task.endsWith(timersOf('')));
      return fleet.log.groupConsumer(options);
    },
  };
  const second = fleet.worker({ state, log: joining, copies: { warmUp_ms: 10_000, standbyInterval_ms: 0 } });
  await second.worker.start();
  expect(copied).toHaveLength(tasks);
  await until('it has a share', async () => (await restoredFrom(second, 'disk')) > 0);
  expect(await restoredFrom(second, 'changelog')).toBe(0);
  append();
  await untilCounted(2);
  expect([first.failures, second.failures]).toEqual([[], []]);
});

test('when nobody serves there is nothing to copy', async () => {
  const first = await serving();
  await first.worker.stop();
  const state = createMemoryStateStore();
  const second = fleet.worker({ state, copies: { warmUp_ms: 10_000, standbyInterval_ms: 0 } });
  await second.worker.start();
  await fleet.settled(second);
  expect(await restoredFrom(second, 'disk')).toBe(0);
  expect(await restoredFrom(second, 'changelog')).toBe(tasks);
  await untilCounted(1);
});

/** Its first write of these tasks stays on its way until it is let through. */
function held(
  inner: StateStore,
  isHeld: (task: string) => boolean = () => true,
): { store: StateStore; reached: () => boolean; letThrough: () => void } {
  let letThrough: () => void = () => undefined;
  let reached = false;
  const open = new Promise<void>((resolve) => (letThrough = resolve));
  const write: StateStore['write'] = async (writes) => {
    if (!reached && writes.some(({ task }) => isHeld(task))) {
      reached = true;
      await open;
    }
    await inner.write(writes);
  };
  return { store: { ...inner, write }, reached: () => reached, letThrough };
}

test('a disk that is too slow does not keep the worker from taking part when the time is up', async () => {
  await serving();
  const { store, reached, letThrough } = held(createMemoryStateStore());
  const said: string[] = [];
  const logger: Logger = { ...silentLogger, info: (_, message) => void said.push(message) };
  const second = fleet.worker({ state: store, logger, copies: { warmUp_ms: 50, standbyInterval_ms: 0 } });
  const started = second.worker.start();
  await until('the copies are under way', reached);
  await new Promise((resolve) => setTimeout(resolve, 100));
  letThrough();
  await started;
  expect(said).toContain('the copies are not done, and time is up');
  append();
  await untilCounted(2);
  expect(second.failures).toEqual([]);
});

test('one that is told to stop while it copies ends, and joins no group', async () => {
  await serving();
  const { store, reached, letThrough } = held(createMemoryStateStore());
  const second = fleet.worker({ state: store, copies: { warmUp_ms: 60_000, standbyInterval_ms: 0 } });
  const started = second.worker.start();
  await until('the copies are under way', reached);
  const stopped = second.worker.stop();
  letThrough();
  await Promise.all([started, stopped]);
  expect(second.worker.state).toBe('stopped');
  expect(await fleet.log.groupMembers('test.entity')).toHaveLength(1);
  append();
  await untilCounted(2);
});

test('standby copies follow, and a takeover needs nothing else', async () => {
  const first = await serving();
  const second = fleet.worker({ copies: { warmUp_ms: 10_000, standbyInterval_ms: 20 } });
  await second.worker.start();
  const before = await counted(second, 'millrace_restored_records_total');
  append();
  await untilCounted(2);
  await until(
    'the copies have followed',
    async () => (await counted(second, 'millrace_restored_records_total')) > before,
  );
  await first.worker.stop();
  await until('all are its own', async () => (await restoredFrom(second, 'disk')) >= tasks);
  expect(await restoredFrom(second, 'changelog')).toBe(0);
  append();
  await untilCounted(3);
  expect(second.failures).toEqual([]);
});

test('a task that comes is not opened while its copy is being written', async () => {
  const first = await serving();
  let isHeld: (task: string) => boolean = () => false;
  const { store, reached, letThrough } = held(createMemoryStateStore(), (task) => isHeld(task));
  const second = fleet.worker({ state: store, copies: { warmUp_ms: 10_000, standbyInterval_ms: 20 } });
  await second.worker.start();
  await until('it has its share', async () => (await restoredFrom(second, 'disk')) > 0);
  const [others] = await fleet.log.groupMembers('test.entity');
  isHeld = (task) => others!.partitions.some(({ partition }) => task.endsWith(`/${partition}`));
  append();
  await until('copies are being written', reached);
  await first.worker.stop();
  await until(
    'all tasks are its own',
    async () => (await counted(second, 'millrace_tasks_owned\\{kind="entity"\\}')) === tasks,
  );
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(second.worker.readiness.restoring).toHaveLength(others!.partitions.length);
  letThrough();
  await untilCounted(2);
  expect(second.failures).toEqual([]);
});
