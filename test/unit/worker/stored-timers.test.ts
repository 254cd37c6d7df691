import { expect, test } from 'vitest';
import { EntityTask } from '../../../src/entity/entity-task.ts';
import { parseStoredTimer } from '../../../src/entity/stored-timer.ts';
import { createMemoryStateStore } from '../../../src/state/memory/memory-state-store.ts';
import type { TaskWrite } from '../../../src/state/state-store.ts';
import { hasAllTimers, TimersBeside } from '../../../src/worker/stored-timers.ts';
import { inserted, rowsFrame, start_us, transaction } from '../../support/entity-frames.ts';
import { userPlan } from '../../support/shop.ts';

const task = 'changelog/0';
const checkpoint = { changelogOffset: 0, written_ms: 0, definition: '' };

/** What a task with two keys writes into its changelog. */
function written(): TaskWrite {
  const source = new EntityTask(userPlan);
  const rows = [1, 2].map((user) => inserted(user, transaction(user, user, start_us)));
  source.apply(rowsFrame(0, rows), 0);
  return { task, entries: [...source.takeChanges(), source.recorder(1)(-1)], checkpoint };
}

test('the timers of all entries are written with them, of a task that is followed', async () => {
  const beside = new TimersBeside();
  expect(beside.of(written())).toEqual([]);
  beside.follow(task);
  const writes = beside.of(written());
  expect(writes.flatMap(({ entries }) => entries.map(({ key }) => parseStoredTimer(key).key))).toEqual(['1', '2']);
  const store = createMemoryStateStore();
  await store.write([written(), ...writes]);
  expect(await hasAllTimers(store, task)).toBe(true);
});

test('behind an entry that is none the store has not all timers any more, whatever comes then', async () => {
  const beside = new TimersBeside();
  beside.follow(task);
  const { entries } = written();
  const broken = { task, entries: [{ key: entries[0]!.key, value: Buffer.from([99]) }], checkpoint };
  const store = createMemoryStateStore();
  for (const write of [written(), broken, written()]) await store.write([write, ...beside.of(write)]);
  expect(await hasAllTimers(store, task)).toBe(false);
});
