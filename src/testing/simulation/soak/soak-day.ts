/** What there is at the end of a day, in the stores, in the logs and in the memory of the workers. */
import { EntityTask } from '../../../entity/entity-task.ts';
import { isChunkKey } from '../../../entity/state-key.ts';
import { timersOf } from '../../../entity/stored-timer.ts';
import { MemoryGroup } from '../../../log/memory/memory-group.ts';
import { MemoryTopic } from '../../../log/memory/memory-topic.ts';
import type { StateEntry, StateStore } from '../../../state/state-store.ts';
import { OwnedEntityPartition } from '../../../worker/owned-entity-partition.ts';
import { changelogTopic } from '../../../worker/topics.ts';
import type { Slot } from '../slot.ts';
import { application, type World } from '../world.ts';
import { heldBy, type Held } from './held-entries.ts';

export interface SoakDay {
  /** From 1. */
  readonly day: number;
  /** What must not grow, by name. */
  readonly figures: ReadonlyMap<string, number>;
  /** What grows with the keys and rows that there ever were. */
  readonly grows: {
    /** Keys of views that hold no row any more: what was given out last is known for good, so that it can be written online again. */
    readonly emptied: number;
    readonly files: number;
  };
}

/** State entries, of keys that hold rows and of others. */
interface State {
  keys: number;
  entries: number;
  bytes: number;
  emptied: number;
}

/** To be called when all is committed and nothing moves. */
export async function measure(world: World, slots: readonly Slot[], day: number, before: SoakDay | null): Promise<SoakDay> {
  const figures = new Map<string, number>();
  const state: State = { keys: 0, entries: 0, bytes: 0, emptied: 0 };
  const add = (name: string, count: number): Map<string, number> => figures.set(name, (figures.get(name) ?? 0) + count);
  let onDisks = 0;
  for (const slot of slots) {
    const held = heldByWorker(world, slot);
    const owned = held.of(OwnedEntityPartition).filter(({ task }) => task !== null);
    for (const { taskName, task } of owned) {
      for (const entry of await entriesOf(slot.state, taskName)) addEntry(world, entry, state);
      add('stored timers', (await entriesOf(slot.state, timersOf(taskName))).length);
      add('resident bytes', task!.residency.resident_bytes);
    }
    for (const task of await slot.state.tasks()) onDisks += (await entriesOf(slot.state, task)).length;
    for (const [name, count] of held.entries) add(name, count);
  }
  const objects = await world.objects.list('');
  const files = objects.filter((name) => name.endsWith('.parquet')).length;
  add('keys with rows', state.keys);
  add('entries of keys with rows', state.entries);
  add('bytes of keys with rows', state.bytes);
  add('changelog entries of keys with rows', (await changelogEntries(world)) - state.emptied);
  add('entries on disks beside those of emptied keys', onDisks - state.emptied);
  add('snapshots of state', objects.filter((name) => name.endsWith('/manifest')).length);
  add('Parquet files in a day', files - (before?.grows.files ?? 0));
  add('timers of the clock', world.clock.waiting);
  return { day, figures, grows: { emptied: state.emptied, files } };
}

function heldByWorker(world: World, slot: Slot): Held {
  const outside = [world, world.clock, world.plan, ...world.plan.entities, slot.state];
  return heldBy(slot.worker === null ? [] : [slot.worker], outside, [MemoryTopic, MemoryGroup]);
}

function addEntry({ entity }: World, { key, value }: StateEntry, state: State): void {
  const size_bytes = key.length + value!.length;
  const isChunk = isChunkKey(key);
  const task = new EntityTask(entity);
  task.residency.leave({ key, value: value! });
  if (task.size === 0 && !isChunk) {
    // The task record is of no key.
    if (key[0] !== 0) state.emptied++;
    return;
  }
  if (!isChunk) state.keys++;
  state.entries++;
  state.bytes += size_bytes;
}

async function changelogEntries(world: World): Promise<number> {
  const live = new Set<string>();
  for (const record of (await world.records(changelogTopic(application, world.entity))).flat()) {
    const name = `${record.partition} ${Buffer.from(record.key!).toString('latin1')}`;
    if (record.value === null) live.delete(name);
    else live.add(name);
  }
  return live.size;
}

async function entriesOf(store: StateStore, task: string): Promise<StateEntry[]> {
  const all: StateEntry[] = [];
  for await (const entries of store.entries(task)) all.push(...entries);
  return all;
}
