import type { Clock } from '../../time/clock.ts';
import {
  bookkeepingField,
  formatBookkeeping,
  parseBookkeeping,
  type Bookkeeping,
  type OnlineStore,
  type OnlineStored,
  type OnlineWrite,
} from '../online-store.ts';

/** The online store of one process, for embedded mode and tests. */
export function createMemoryOnlineStore({ clock }: { readonly clock: Clock }): OnlineStore {
  const hashes = new Map<string, Map<string, string>>();
  return {
    upsert: (writes) => Promise.resolve(writes.map((write) => apply(hashes, write, Math.round(clock.now_ms() * 1000)))),
    read: (keys) =>
      Promise.resolve(
        keys.map((key) => {
          const hash = hashes.get(key);
          return hash === undefined ? null : new Map(hash);
        }),
      ),
    close: () => Promise.resolve(),
  };
}

function apply(hashes: Map<string, Map<string, string>>, write: OnlineWrite, now_us: number): OnlineStored {
  const { key, view, values, generation, position, asOf_us } = write;
  const hash = hashes.get(key) ?? new Map<string, string>();
  const field = bookkeepingField(view.name);
  const text = hash.get(field);
  const stored = text === undefined ? null : parseBookkeeping(text);
  if (stored !== null && isOlder(write, stored)) return { applied: false, ...pick(stored) };
  const isSame = stored?.generation === generation && stored.position === position;
  const kept = { generation, position, asOf_us, visibleAt_us: isSame ? stored.visibleAt_us : now_us };
  view.fields.forEach((name, i) => {
    const value = values[i] ?? null;
    if (value === null) hash.delete(name);
    else hash.set(name, value);
  });
  hash.set(field, formatBookkeeping(kept));
  hashes.set(key, hash);
  return { applied: true, ...pick(kept) };
}

function isOlder(write: OnlineWrite, stored: Bookkeeping): boolean {
  if (write.generation !== stored.generation) return write.generation < stored.generation;
  return write.position < stored.position;
}

function pick({ generation, position, visibleAt_us }: Bookkeeping): Omit<OnlineStored, 'applied'> {
  return { generation, position, visibleAt_us };
}
