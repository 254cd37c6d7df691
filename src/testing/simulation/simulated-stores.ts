/** The stores as one process sees them: calls take time, are refused, succeed with a lost answer, or arrive when nobody waits any more. */
import { RetriableError } from '../../errors.ts';
import type { ObjectStore } from '../../offline/object-store.ts';
import type { Canary, OnlineStore } from '../../online/online-store.ts';
import type { StateStore } from '../../state/state-store.ts';
import type { Clock } from '../../time/clock.ts';
import { createDamaged, isSnapshotName } from './damaged-snapshots.ts';
import type { Faults } from './faults.ts';
import type { Random } from './random.ts';
import type { SimulatedProcess } from './simulated-process.ts';

/** Stores that are away answer nobody. */
export interface Outages {
  online: boolean;
  objects: boolean;
}

export interface StoreSurroundings {
  readonly process: SimulatedProcess;
  readonly world: Clock;
  readonly random: Random;
  readonly faults: Faults;
  readonly outages: Outages;
  readonly foundLoss: (process: string) => void;
}

const unavailable = (what: string): RetriableError => new RetriableError('store-unavailable', what);

export function simulatedOnlineStore(surroundings: StoreSurroundings, inner: OnlineStore): OnlineStore {
  const { process, world, random, faults, outages, foundLoss } = surroundings;
  return {
    upsert: (writes, canaries) =>
      process.call(async () => {
        if (outages.online || faults.strikes('online call refused')) throw unavailable('the online store is away');
        if (faults.strikes('online call delayed')) {
          world.after(random.between(100, 9000), () => {
            void inner.upsert(writes, canaries);
          });
          throw unavailable('the online store did not answer in time');
        }
        const result = await inner.upsert(writes, canaries);
        const isBehind = ({ expected }: Canary, i: number): boolean => (result.found[i] ?? -1) < (expected ?? -1);
        if (canaries?.some(isBehind)) foundLoss(process.name);
        if (faults.strikes('online answer lost')) throw unavailable('the answer of the online store was lost');
        return result;
      }),
    read: (keys) => process.call(() => inner.read(keys)),
    close: () => Promise.resolve(),
  };
}

export function simulatedStateStore({ process, faults }: StoreSurroundings, inner: StateStore): StateStore {
  return {
    checkpoint: (task) => process.call(() => inner.checkpoint(task)),
    write: (writes) =>
      process.call(() => {
        if (faults.strikes('state write refused')) throw unavailable('the disk is full');
        return inner.write(writes);
      }),
    get: (task, keys) =>
      process.call(() => {
        faults.happened('keys looked up on disk');
        return inner.get(task, keys);
      }),
    range: (task, range) => process.call(() => inner.range(task, range)),
    entries: (task) => gated(process, inner.entries(task)),
    snapshot: (task) =>
      process.call(async () => {
        const snapshot = await inner.snapshot(task);
        if (snapshot === null) return null;
        const entries = gated(process, snapshot.entries);
        return { checkpoint: snapshot.checkpoint, entries, close: () => snapshot.close() };
      }),
    clear: (task) => process.call(() => inner.clear(task)),
    tasks: () => process.call(() => inner.tasks()),
    close: () => Promise.resolve(),
  };
}

async function* gated<T>(process: SimulatedProcess, items: AsyncIterable<T>): AsyncGenerator<T> {
  for await (const item of items) {
    await process.gate();
    yield item;
  }
}

export function simulatedObjectStore({ process, faults, outages }: StoreSurroundings, inner: ObjectStore): ObjectStore {
  const there = (): void => {
    if (outages.objects || faults.strikes('object call refused')) throw unavailable('the object store is away');
  };
  return {
    create: (name, body) =>
      process.call(async () => {
        there();
        const outcome = await (isSnapshotName(name)
          ? createDamaged(faults, inner, name, body)
          : inner.create(name, body));
        if (faults.strikes('object answer lost')) throw unavailable('the answer of the object store was lost');
        return outcome;
      }),
    read: (name) =>
      process.call(() => {
        there();
        if (isSnapshotName(name) && !name.endsWith('/manifest')) faults.happened('snapshot part read');
        return inner.read(name);
      }),
    list: (prefix, after) =>
      process.call(() => {
        there();
        return inner.list(prefix, after);
      }),
    delete: (name) =>
      process.call(() => {
        there();
        return inner.delete(name);
      }),
    probe: () => process.call(() => inner.probe()),
    close: () => Promise.resolve(),
  };
}
