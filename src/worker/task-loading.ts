/** Makes an entity task from its entries in the local store: as many of its keys in memory as there is room for. */
import type { EntityPlan } from '../define/plan.ts';
import { EntityTask } from '../entity/entity-task.ts';
import { isChunkKey, taskRecordKey } from '../entity/state-key.ts';
import { timersOf } from '../entity/stored-timer.ts';
import { decodeTaskRecord } from '../entity/task-record.ts';
import { MillraceError } from '../errors.ts';
import type { StateEntry, StateStore } from '../state/state-store.ts';
import type { RestoredTask } from './owned-entity-partition.ts';
import { storedTimer, timersWrite } from './stored-timers.ts';

/**
 * @param room_bytes for states in memory; the rest stays on disk, its timers are stored beside it.
 * @returns null when the store has nothing of the task.
 * @throws MillraceError `state-unreadable`
 */
export async function loadTask(
  store: StateStore,
  name: string,
  entity: EntityPlan,
  room_bytes: number,
): Promise<RestoredTask | null> {
  // Those of an earlier life.
  if ((await store.checkpoint(timersOf(name))) !== null) await store.clear(timersOf(name));
  let restored: RestoredTask | null = null;
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
    if (timers.length > 0) await store.write([timersWrite(name, timers)]);
  }
  return restored;
}

function begin(name: string, entity: EntityPlan, { key, value }: StateEntry): RestoredTask {
  if (Buffer.compare(key, taskRecordKey) !== 0)
    throw new MillraceError('state-unreadable', `${name}: there are entries, but no task record before them`);
  const record = decodeTaskRecord(value!, entity);
  return { task: new EntityTask(entity, record), ...record };
}
