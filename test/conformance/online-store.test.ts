import { expect, test } from 'vitest';
import { createMemoryOnlineStore } from '../../src/online/memory/memory-online-store.ts';
import type { OnlineWrite } from '../../src/online/online-store.ts';
import { systemClock } from '../../src/time/clock.ts';
import { onlineCanarySuite } from './online-canary.suite.ts';
import { onlineStoreSuite } from './online-store.suite.ts';

onlineStoreSuite('memory', () => Promise.resolve(createMemoryOnlineStore({ clock: systemClock })));
onlineCanarySuite('memory', () => {
  const store = createMemoryOnlineStore({ clock: systemClock });
  return Promise.resolve({
    store,
    flush: () => {
      store.flush();
      return Promise.resolve();
    },
  });
});

test('a store that reverts holds what it held at the snapshot, each time anew', async () => {
  const store = createMemoryOnlineStore({ clock: systemClock });
  const view = { name: 'user_features', fields: ['count'] };
  const set = (key: string, position: number): OnlineWrite[] => [
    { key, view, generation: 1, position, asOf_us: 1, values: [String(position)] },
  ];
  await store.upsert(set('a', 1), [{ task: 't', position: 1 }]);
  const replica = store.snapshot();
  for (let round = 0; round < 2; round++) {
    await store.upsert(set('a', 2), [{ task: 't', position: 2 }]);
    await store.upsert(set('b', 3), [{ task: 't', position: 3 }]);
    store.revert(replica);
    expect((await store.read(['a', 'b'])).map((hash) => hash?.get('count'))).toEqual(['1', undefined]);
    expect(await store.upsert([], [{ task: 't', position: 3, expected: 3 }])).toMatchObject({ found: [1] });
  }
});
