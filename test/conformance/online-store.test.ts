import { createMemoryOnlineStore } from '../../src/online/memory/memory-online-store.ts';
import { systemClock } from '../../src/time/clock.ts';
import { onlineStoreSuite } from './online-store.suite.ts';

onlineStoreSuite('memory', () => Promise.resolve(createMemoryOnlineStore({ clock: systemClock })));
