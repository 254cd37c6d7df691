/** What the canaries of every OnlineStore must do. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Canary, OnlineStore, OnlineWrite } from '../../src/online/online-store.ts';

const view = { name: 'user_features', fields: ['count'] };
const write = (key: string, position: number): OnlineWrite => ({
  key,
  view,
  generation: 1,
  position,
  asOf_us: 1,
  values: [String(position)],
});

/** A store that the suite may flush at will. */
export interface FlushableStore {
  readonly store: OnlineStore;
  flush(): Promise<void>;
}

export function onlineCanarySuite(name: string, open: () => Promise<FlushableStore>): void {
  describe(`canaries of the OnlineStore: ${name}`, () => {
    let opened: FlushableStore;
    let store: OnlineStore;
    const beat = async (...canaries: Canary[]): Promise<readonly (number | null)[]> =>
      (await store.upsert([], canaries)).found;
    /** What is stored, without a change to it. */
    const held = async (task = 'a'): Promise<number | null> =>
      (await beat({ task, position: -1, expected: 2 ** 53 }))[0]!;

    beforeAll(async () => {
      opened = await open();
      store = opened.store;
    });
    beforeEach(() => opened.flush());
    afterAll(() => store.close());

    test('a missing one is null, and asking for one writes nothing when more is expected', async () => {
      expect([await held(), await held()]).toEqual([null, null]);
      expect(await store.read(['millrace:canary:a'])).toEqual([null]);
    });

    test('found is what was there before the call', async () => {
      expect(await beat({ task: 'a', position: 7 })).toEqual([null]);
      expect(await beat({ task: 'a', position: 9 })).toEqual([7]);
      expect(await held()).toBe(9);
    });

    test('an equal or lower one leaves what is there', async () => {
      await beat({ task: 'a', position: 9 });
      expect(await beat({ task: 'a', position: 8 })).toEqual([9]);
      expect(await beat({ task: 'a', position: 9 })).toEqual([9]);
      expect(await held()).toBe(9);
    });

    test('the first position of a log is one', async () => {
      expect(await beat({ task: 'a', position: 0 })).toEqual([null]);
      expect(await held()).toBe(0);
    });

    test('a part of a position is one too', async () => {
      await beat({ task: 'a', position: 20 });
      expect(await beat({ task: 'a', position: 20 + 2 ** -16, expected: 20 })).toEqual([20]);
      expect(await beat({ task: 'a', position: 21, expected: 20 + 2 ** -16 })).toEqual([20 + 2 ** -16]);
      expect(await held()).toBe(21);
    });

    test('a batch carries them, whatever becomes of its writes', async () => {
      const first = await store.upsert([write('k1', 5), write('k2', 6)], [{ task: 'a', position: 6 }]);
      expect(first).toMatchObject({ stored: [{ applied: true }, { applied: true }], found: [null] });
      const second = await store.upsert([write('k1', 4)], [{ task: 'a', position: 7 }]);
      expect(second).toMatchObject({ stored: [{ applied: false, position: 5 }], found: [6] });
      expect(await held()).toBe(7);
    });

    test('without canaries none are found', async () => {
      expect(await store.upsert([write('k', 1)])).toMatchObject({ found: [] });
      expect(await store.upsert([])).toMatchObject({ stored: [], found: [] });
    });

    test('several tasks in a call keep to themselves and their order', async () => {
      await beat({ task: 'b', position: 20 }, { task: 'a', position: 10 });
      const found = await beat({ task: 'a', position: 11 }, { task: 'c', position: 30 }, { task: 'b', position: 19 });
      expect(found).toEqual([10, null, 20]);
      expect([await held('a'), await held('b'), await held('c')]).toEqual([11, 20, 30]);
    });

    test('a task twice in a call ends at the higher one', async () => {
      expect(await beat({ task: 'a', position: 9 }, { task: 'a', position: 5 })).toEqual([null, null]);
      expect(await held()).toBe(9);
    });

    test('a batch of many calls carries them', async () => {
      const writes = Array.from({ length: 1100 }, (_, i) => write(`k${i}`, i));
      const { stored, found } = await store.upsert(writes, [{ task: 'a', position: 1099 }]);
      expect([stored.length, stored.every(({ applied }, i) => applied && stored[i]!.position === i)]).toEqual([
        1100,
        true,
      ]);
      expect(found).toEqual([null]);
      expect((await store.read(['k1099']))[0]!.get('count')).toBe('1099');
      expect(await held()).toBe(1099);
    });

    test.each([2 ** 31 + 1, 2 ** 32 + 1, 2 ** 53 - 1])('%d is held exactly', async (position) => {
      await beat({ task: 'a', position: position - 1 });
      expect(await beat({ task: 'a', position })).toEqual([position - 1]);
      expect(await beat({ task: 'a', position: 9 })).toEqual([position]);
      expect(await held()).toBe(position);
    });

    test('a flush takes them away, and the incarnation stays', async () => {
      const before = await store.upsert([write('k', 5)], [{ task: 'a', position: 5 }]);
      await opened.flush();
      const after = await store.upsert([], [{ task: 'a', position: 6 }]);
      expect(after.found).toEqual([null]);
      expect(after.incarnation).toBe(before.incarnation);
      expect(await store.read(['k'])).toEqual([null]);
    });

    test('the sign of a loss stays until the caller no longer expects what was lost', async () => {
      await beat({ task: 'a', position: 5 });
      await opened.flush();
      expect(await beat({ task: 'a', position: 6, expected: 5 })).toEqual([null]);
      expect(await beat({ task: 'a', position: 6, expected: 5 })).toEqual([null]);
      await beat({ task: 'a', position: 3 });
      expect(await beat({ task: 'a', position: 6, expected: 5 })).toEqual([3]);
      expect(await beat({ task: 'a', position: 6, expected: null })).toEqual([3]);
      expect(await beat({ task: 'a', position: 7, expected: 6 })).toEqual([6]);
      expect(await held()).toBe(7);
    });

    test('more than expected is no loss', async () => {
      await beat({ task: 'a', position: 5 });
      expect(await beat({ task: 'a', position: 6, expected: 4 })).toEqual([5]);
      expect(await held()).toBe(6);
    });
  });
}
