import type { Clock } from '../../time/clock.ts';
import {
  bookkeepingField,
  formatBookkeeping,
  parseBookkeeping,
  type Bookkeeping,
  type Canary,
  type OnlineStore,
  type OnlineStored,
  type OnlineWrite,
} from '../online-store.ts';

interface Contents {
  readonly hashes: ReadonlyMap<string, ReadonlyMap<string, string>>;
  readonly canaries: ReadonlyMap<string, number>;
}

/** What a simulation does to a store: acknowledged writes are lost while it goes on as if nothing had happened. */
export interface MemoryOnlineStore extends OnlineStore {
  /** Everything is gone, canaries too. */
  flush(): void;
  /** What a replica has that now stops to follow. */
  snapshot(): Contents;
  /** A failover to such a replica. */
  revert(to: Contents): void;
}

/** The online store of one process, for embedded mode and tests. */
export function createMemoryOnlineStore({ clock }: { readonly clock: Clock }): MemoryOnlineStore {
  let hashes = new Map<string, Map<string, string>>();
  let canaries = new Map<string, number>();
  return {
    upsert: (writes, beats = []) => {
      const found = beats.map(({ task }) => canaries.get(task) ?? null);
      const stored = writes.map((write) => apply(hashes, write, Math.round(clock.now_ms() * 1000)));
      for (const beat of beats) raise(canaries, beat);
      return Promise.resolve({ stored, found, incarnation: 'memory' });
    },
    read: (keys) =>
      Promise.resolve(
        keys.map((key) => {
          const hash = hashes.get(key);
          return hash === undefined ? null : new Map(hash);
        }),
      ),
    close: () => Promise.resolve(),
    flush: () => {
      hashes = new Map();
      canaries = new Map();
    },
    snapshot: () => structuredClone({ hashes, canaries }),
    revert: (to) => {
      hashes = new Map([...to.hashes].map(([key, hash]) => [key, new Map(hash)]));
      canaries = new Map(to.canaries);
    },
  };
}

function raise(canaries: Map<string, number>, { task, position, expected }: Canary): void {
  const held = canaries.get(task) ?? -Infinity;
  if (held < position && held >= (expected ?? -Infinity)) canaries.set(task, position);
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
