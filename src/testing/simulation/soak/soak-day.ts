/** What there is at the end of a day, in the stores, in the logs and in the memory of the workers. */
import { EntityTask } from '../../../entity/entity-task.ts';
import { isChunkKey, taskRecordKey } from '../../../entity/state-key.ts';
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
  /** What grows, up to what is known: with the keys, the rows and the places of partitions that there ever were. */
  readonly grows: {
    /** Keys of views that hold no row any more: what was given out last is known for good, so that it can be written online again. */
    readonly emptied: number;
    /** Entries of keys with rows on all disks: partitions leave a copy behind wherever they have been. */
    readonly onDisks: number;
    readonly files: number;
  };
}

/** A queue that is empty now and then is no leak: of several looks the lowest figure counts. */
const looks = 4;
const look_ms = 430;

/** Entries of a task: of keys that hold rows, and how many keys hold none. */
interface State {
  readonly keys: number;
  readonly entries: number;
  readonly bytes: number;
  readonly emptied: number;
}

/** To be called when nobody does anything. */
export async function measure(
  world: World,
  slots: readonly Slot[],
  day: number,
  before: SoakDay | null,
): Promise<SoakDay> {
  const { figures, emptied, onDisks } = await storedFigures(world, slots);
  const objects = await world.objects.list('');
  const files = objects.filter((name) => name.endsWith('.parquet')).length;
  figures.set('snapshots of state', objects.filter((name) => name.endsWith('/manifest')).length);
  figures.set('Parquet files in a day', files - (before?.grows.files ?? 0));
  let held = heldFigures(world, slots);
  for (let look = 1; look < looks; look++) {
    await world.clock.runFor(look_ms);
    const other = heldFigures(world, slots);
    held = new Map([...held].map(([name, count]) => [name, Math.min(count, other.get(name) ?? 0)]));
  }
  return { day, figures: new Map([...figures, ...held]), grows: { emptied, onDisks, files } };
}

async function storedFigures(
  world: World,
  slots: readonly Slot[],
): Promise<{ figures: Map<string, number>; emptied: number; onDisks: number }> {
  const own = { keys: 0, entries: 0, bytes: 0, emptied: 0, timers: 0, onDisks: 0 };
  for (const slot of slots) {
    const owned = new Set(tasksOf(heldByWorker(world, slot)).map(({ taskName }) => taskName));
    for (const task of await slot.state.tasks()) {
      const isOwned = owned.has(task);
      const entries = await entriesOf(slot.state, task);
      if (owned.has(task.slice(0, -timersOf('').length))) own.timers += entries.length;
      if (task.endsWith(timersOf(''))) continue;
      const state = stateOf(world, entries);
      own.onDisks += state.entries;
      if (!isOwned) continue;
      for (const name of ['keys', 'entries', 'bytes', 'emptied'] as const) own[name] += state[name];
    }
  }
  const changelog = (await changelogEntries(world)) - own.emptied - world.entity.partitions;
  const figures = new Map([
    ['keys with rows', own.keys],
    ['entries of keys with rows', own.entries],
    ['bytes of keys with rows', own.bytes],
    ['changelog entries of keys with rows', changelog],
    ['stored timers', own.timers],
  ]);
  return { figures, emptied: own.emptied, onDisks: own.onDisks };
}

function heldFigures(world: World, slots: readonly Slot[]): Map<string, number> {
  const figures = new Map([['timers of the clock', world.clock.waiting]]);
  const add = (name: string, count: number): Map<string, number> => figures.set(name, (figures.get(name) ?? 0) + count);
  for (const slot of slots) {
    const held = heldByWorker(world, slot);
    for (const [name, count] of held.entries) add(name, count);
    for (const { task } of tasksOf(held)) add('resident bytes', Math.round(task!.residency.resident_bytes));
  }
  return figures;
}

const tasksOf = (held: Held): OwnedEntityPartition[] =>
  held.of(OwnedEntityPartition).filter(({ task }) => task !== null);

function heldByWorker(world: World, slot: Slot): Held {
  const outside = [world, world.clock, world.plan, ...world.plan.entities, slot.state];
  return heldBy(slot.worker === null ? [] : [slot.worker], outside, [MemoryTopic, MemoryGroup]);
}

function stateOf({ entity }: World, entries: readonly StateEntry[]): State {
  // It counts keys that hold rows, and reads no more than that.
  const task = new EntityTask(entity);
  const state = { entries: 0, bytes: 0, emptied: 0 };
  for (const { key, value } of entries) {
    const { size } = task;
    task.residency.leave({ key, value });
    if (task.size === size && !isChunkKey(key)) {
      if (Buffer.compare(key, taskRecordKey) !== 0) state.emptied++;
      continue;
    }
    state.entries++;
    state.bytes += key.length + value!.length;
  }
  return { keys: task.size, ...state };
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
