/** Makes an entity task from its entries in the local store: as many of its keys in memory as there is room for. */
import type { EntityPlan } from '../define/plan.ts';
import { EntityTask } from '../entity/entity-task.ts';
import { isChunkKey, taskRecordKey } from '../entity/state-key.ts';
import { leastWeight_bytes } from '../entity/state-weight.ts';
import { decodeTaskRecord, type TaskRecord } from '../entity/task-record.ts';
import { MillraceError } from '../errors.ts';
import type { StateEntry, StateStore } from '../state/state-store.ts';
import type { RestoredTask } from './owned-entity-partition.ts';
import { clearTimers, hasAllTimers, notesWrite, storedTimer, timersWrite } from './stored-timers.ts';

/**
 * Where the store has the timers of all keys, and more keys than there is room for, none of them is read: they come as frames need them.
 * @param room_bytes for states in memory; the rest stays on disk, where its timers are stored beside it.
 * @returns null when the store has nothing of the task.
 * @throws MillraceError `state-unreadable`, `state-mismatch`
 */
export async function loadTask(
  store: StateStore,
  name: string,
  entity: EntityPlan,
  room_bytes: number,
): Promise<RestoredTask | null> {
  if (await hasAllTimers(store, name)) {
    const [value] = await store.get(name, [taskRecordKey]);
    const restored = begin(name, entity, { key: taskRecordKey, value: value ?? null });
    const keys = restored.record.keys.reduce((sum, { held, emptied }) => sum + held + emptied, 0);
    if (keys * leastWeight_bytes > room_bytes) {
      restored.task.residency.openOnDisk(restored.record.keys);
      return restored;
    }
  }
  return readAll(store, name, entity, room_bytes);
}

async function readAll(
  store: StateStore,
  name: string,
  entity: EntityPlan,
  room_bytes: number,
): Promise<RestoredTask | null> {
  // Those of an earlier life.
  await clearTimers(store, name);
  let restored: Begun | null = null;
  let isFull = false;
  for await (const entries of store.entries(name)) {
    const timers: StateEntry[] = [];
    for (const entry of entries) {
      if (restored === null) {
        restored = begin(name, entity, entry);
        continue;
      }
      const { task } = restored;
      // A key stays with its chunks.
      if (!isChunkKey(entry.key)) isFull ||= task.residency.resident_bytes >= room_bytes;
      if (!isFull) task.load(entry);
      else {
        const timer = task.residency.leave(entry);
        if (timer !== null) timers.push(storedTimer(timer));
      }
    }
    if (timers.length > 0) await store.write([timersWrite(name, timers, 'some')]);
  }
  if (restored !== null && !restored.task.residency.isComplete)
    await store.write([notesWrite(name, restored.task.residency.noteLoaded())]);
  return restored;
}

interface Begun extends RestoredTask {
  readonly record: TaskRecord;
}

function begin(name: string, entity: EntityPlan, { key, value }: StateEntry): Begun {
  if (value === null || Buffer.compare(key, taskRecordKey) !== 0)
    throw new MillraceError('state-unreadable', `${name}: there are entries, but no task record before them`);
  const record = decodeTaskRecord(value, entity);
  const { position, published } = record;
  return { task: new EntityTask(entity, record), position, published, record };
}
