import { FatalError } from '../../errors.ts';
import type { StateCheckpoint, StateEntry, StateRange, StateSnapshot, StateStore, TaskWrite } from '../state-store.ts';

const batchLimit = 1000;

interface Task {
  checkpoint: StateCheckpoint;
  /** By the key's bytes, one character each. Values are never changed in place, so a copy of the map is a snapshot. */
  readonly values: Map<string, Uint8Array>;
}

/** The state of one process, for embedded mode, simulation and tests; gone with the object. */
export function createMemoryStateStore(): StateStore {
  const tasks = new Map<string, Task>();
  let isClosed = false;
  const opened = (): Map<string, Task> => {
    if (isClosed) throw new FatalError('store-unavailable', 'the state store is closed: nothing may use it any more');
    return tasks;
  };
  return {
    checkpoint: (task) => promised(() => opened().get(task)?.checkpoint ?? null),
    // One step for the event loop: nobody sees half of it.
    write: (writes) => promised(() => applyAll(opened(), writes)),
    entries: (task) => entries(opened, task),
    get: (task, keys) =>
      promised(() => {
        const values = opened().get(task)?.values;
        return keys.map((key) => copyOf(values?.get(nameOf(key))));
      }),
    range: (task, range) => promised(() => rangeOf(opened().get(task)?.values ?? new Map<string, Uint8Array>(), range)),
    snapshot: (task) => promised(() => snapshot(opened, task)),
    clear: (task) => promised(() => void opened().delete(task)),
    tasks: () => promised(() => [...opened().keys()].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))),
    close: () =>
      promised(() => {
        isClosed = true;
      }),
  };
}

/** What the call throws rejects the promise. */
function promised<T>(call: () => T): Promise<T> {
  return new Promise((resolve) => resolve(call()));
}

function applyAll(tasks: Map<string, Task>, writes: readonly TaskWrite[]): void {
  for (const write of writes) apply(tasks, write);
}

function apply(tasks: Map<string, Task>, { task, entries: changes, checkpoint }: TaskWrite): void {
  const { values } = tasks.get(task) ?? { values: new Map<string, Uint8Array>() };
  for (const { key, value } of changes) {
    if (value === null) values.delete(nameOf(key));
    else values.set(nameOf(key), Uint8Array.from(value));
  }
  tasks.set(task, { checkpoint: { ...checkpoint }, values });
}

// eslint-disable-next-line @typescript-eslint/require-await -- the port is asynchronous
async function* entries(opened: () => Map<string, Task>, task: string): AsyncGenerator<readonly StateEntry[]> {
  yield* inBatches(opened, new Map(opened().get(task)?.values));
}

function snapshot(opened: () => Map<string, Task>, task: string): StateSnapshot | null {
  const found = opened().get(task);
  if (found === undefined) return null;
  const { checkpoint, values } = found;
  return {
    checkpoint: { ...checkpoint },
    entries: asynchronous(inBatches(opened, new Map(values))),
    close: () => Promise.resolve(),
  };
}

// eslint-disable-next-line @typescript-eslint/require-await -- the port is asynchronous
async function* asynchronous<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items;
}

function* inBatches(
  opened: () => Map<string, Task>,
  values: ReadonlyMap<string, Uint8Array>,
): Generator<readonly StateEntry[]> {
  const sorted = [...values].sort(([a], [b]) => (a < b ? -1 : 1));
  for (let at = 0; at < sorted.length; at += batchLimit) {
    opened();
    // Copies: what a reader does with them is not to change the store.
    yield sorted
      .slice(at, at + batchLimit)
      .map(([key, value]) => ({ key: Buffer.from(key, 'latin1'), value: Uint8Array.from(value) }));
  }
}

function rangeOf(values: ReadonlyMap<string, Uint8Array>, { from, to, limit }: StateRange): StateEntry[] {
  const [low, high] = [nameOf(from), nameOf(to)];
  return [...values]
    .filter(([name]) => name >= low && name < high)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .slice(0, limit)
    .map(([name, value]) => ({ key: Buffer.from(name, 'latin1'), value: Uint8Array.from(value) }));
}

const copyOf = (value: Uint8Array | undefined): Uint8Array | null =>
  value === undefined ? null : Uint8Array.from(value);

/** In this order strings compare as their bytes do. */
function nameOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1');
}
