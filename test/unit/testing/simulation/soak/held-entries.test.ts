import { expect, test } from 'vitest';
import { heldBy } from '../../../../../src/testing/simulation/soak/held-entries.ts';

class Shared {
  readonly records = [1, 2, 3];
}

class Cache {
  private readonly entries = new Map<string, { readonly parts: readonly number[] }>();
  private readonly waiting = new Set<string>();
  readonly owner: Worker;
  readonly shared = new Shared();

  constructor(owner: Worker) {
    this.owner = owner;
  }

  put(key: string): void {
    this.entries.set(key, { parts: [1, 2] });
    this.waiting.add(key);
  }
}

class Worker {
  private readonly options = { caches: [new Cache(this)], bytes: new Uint8Array(1000) };

  get cache(): Cache {
    return this.options.caches[0]!;
  }
}

test('entries count under the class and the field that they hang on, circles and all', () => {
  const worker = new Worker();
  worker.cache.put('a');
  worker.cache.put('b');
  const held = heldBy([worker], [], []);
  expect(Object.fromEntries(held.entries)).toEqual({
    'Worker.options.caches': 1,
    'Cache.entries': 2,
    'Cache.entries.parts': 4,
    'Cache.waiting': 2,
    'Shared.records': 3,
  });
  expect(held.of(Cache)).toEqual([worker.cache]);
});

test('what belongs to others is not entered, as an object or by its class', () => {
  const worker = new Worker();
  worker.cache.put('a');
  expect([...heldBy([worker], [], [Shared]).entries.keys()]).not.toContain('Shared.records');
  expect([...heldBy([worker], [worker.cache], []).entries.keys()]).toEqual(['Worker.options.caches']);
  expect(heldBy([worker], [worker.cache], []).of(Cache)).toEqual([]);
});
