/** What every OnlineStore must do. */
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  bookkeepingField,
  parseBookkeeping,
  type OnlineStore,
  type OnlineWrite,
} from '../../src/online/online-store.ts';

const view = { name: 'user_features', fields: ['count', 'city'] };
const other = { name: 'other', fields: ['score'] };
let keys = 0;
const newKey = (): string => `test:${process.pid}:${Date.now()}:${keys++}`;

function write(key: string, position: number, values: (string | null)[], more: Partial<OnlineWrite> = {}): OnlineWrite {
  return { key, view, generation: 1, position, asOf_us: 1_800_000_000_000_000 + position, values, ...more };
}

export function onlineStoreSuite(name: string, open: () => Promise<OnlineStore>): void {
  describe(`OnlineStore: ${name}`, () => {
    let store: OnlineStore;
    const readOne = async (key: string): Promise<ReadonlyMap<string, string> | null> => (await store.read([key]))[0]!;

    beforeAll(async () => {
      store = await open();
    });
    afterAll(() => store.close());

    test('a key that was never written is null', async () => {
      expect(await store.read([newKey(), newKey()])).toEqual([null, null]);
    });

    test('values and bookkeeping are read back', async () => {
      const key = newKey();
      const before_us = (Date.now() - 60_000) * 1000;
      const {
        stored: [stored],
      } = await store.upsert([write(key, 7, ['3', 'Oulu'])]);
      expect(stored).toMatchObject({ applied: true, generation: 1, position: 7 });
      expect(stored!.visibleAt_us).toBeGreaterThan(before_us);
      const hash = await readOne(key);
      expect(Object.fromEntries(hash!)).toMatchObject({ count: '3', city: 'Oulu' });
      expect(parseBookkeeping(hash!.get('_user_features')!)).toEqual({
        generation: 1,
        position: 7,
        asOf_us: 1_800_000_000_000_007,
        visibleAt_us: stored!.visibleAt_us,
      });
    });

    test('null takes the field away', async () => {
      const key = newKey();
      await store.upsert([write(key, 1, ['3', 'Oulu'])]);
      await store.upsert([write(key, 2, ['4', null])]);
      expect([...(await readOne(key))!.keys()].sort()).toEqual(['_user_features', 'count']);
    });

    test('any text survives, the empty one too', async () => {
      const key = newKey();
      await store.upsert([write(key, 1, ['', 'Zoë 🦊 "\\\n=\0'])]);
      expect(Object.fromEntries((await readOne(key))!)).toMatchObject({ count: '', city: 'Zoë 🦊 "\\\n=\0' });
    });

    test('an older position is refused and told what is stored', async () => {
      const key = newKey();
      const {
        stored: [first],
      } = await store.upsert([write(key, 9, ['9', null])]);
      const {
        stored: [second],
      } = await store.upsert([write(key, 8, ['8', 'x'])]);
      expect(second).toEqual({ ...first!, applied: false });
      expect((await readOne(key))!.get('count')).toBe('9');
    });

    test('an equal position is idempotent and keeps its first instant', async () => {
      const key = newKey();
      const {
        stored: [first],
      } = await store.upsert([write(key, 9, ['9', 'x'])]);
      await new Promise((resolve) => setTimeout(resolve, 3));
      const {
        stored: [second],
      } = await store.upsert([write(key, 9, ['9', 'x'])]);
      expect(second).toEqual(first);
      expect(parseBookkeeping((await readOne(key))!.get('_user_features')!).visibleAt_us).toBe(first!.visibleAt_us);
    });

    test('a newer generation wins over any position of an older one', async () => {
      const key = newKey();
      await store.upsert([write(key, 1000, ['old', null])]);
      await store.upsert([write(key, 1, ['new', null], { generation: 2 })]);
      await store.upsert([write(key, 2000, ['zombie', null])]);
      expect((await readOne(key))!.get('count')).toBe('new');
    });

    test('positions are compared as numbers up to 2^53', async () => {
      const key = newKey();
      await store.upsert([write(key, 9, ['small', null])]);
      await store.upsert([write(key, 2 ** 53 - 2, ['large', null])]);
      const {
        stored: [stored],
      } = await store.upsert([write(key, 2 ** 53 - 1, ['largest', null])]);
      expect(stored).toMatchObject({ applied: true, position: 2 ** 53 - 1 });
      expect((await readOne(key))!.get('count')).toBe('largest');
    });

    test('one batch holds many keys, a key twice, and two views of one hash, answered in order', async () => {
      const many = Array.from({ length: 1203 }, () => newKey());
      const shared = newKey();
      const { stored } = await store.upsert([
        ...many.map((key, i) => write(key, i, [String(i), null])),
        write(shared, 5, ['five', null]),
        { key: shared, view: other, generation: 1, position: 3, asOf_us: 1, values: ['0.5'] },
        write(shared, 6, ['six', null]),
        write(shared, 4, ['four', null]),
      ]);
      expect(stored.slice(0, many.length).map(({ position }) => position)).toEqual(many.map((_, i) => i));
      expect(stored.slice(many.length).map(({ applied, position }) => [applied, position])).toEqual([
        [true, 5],
        [true, 3],
        [true, 6],
        [false, 6],
      ]);
      expect((await store.read(many)).map((hash) => hash!.get('count'))).toEqual(many.map((_, i) => String(i)));
      expect(Object.fromEntries((await readOne(shared))!)).toMatchObject({ count: 'six', score: '0.5' });
    });

    test('whatever the order of two writers, the newest stays and no read goes back', async () => {
      const step = fc.record({ generation: fc.integer({ min: 1, max: 2 }), position: fc.integer({ min: 0, max: 9 }) });
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.array(step, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 6 }),
          async (batches) => {
            const key = newKey();
            let newest = [0, -1];
            for (const batch of batches) {
              await store.upsert(
                batch.map(({ generation, position }) =>
                  write(key, position, [`${generation}/${position}`, null], { generation }),
                ),
              );
              for (const { generation, position } of batch) {
                if (generation > newest[0]! || (generation === newest[0] && position > newest[1]!))
                  newest = [generation, position];
              }
              const hash = await readOne(key);
              expect(hash!.get('count')).toBe(newest.join('/'));
              expect(parseBookkeeping(hash!.get(bookkeepingField(view.name))!)).toMatchObject({
                generation: newest[0],
                position: newest[1],
              });
            }
          },
        ),
        { numRuns: 50 },
      );
    });
  });
}
