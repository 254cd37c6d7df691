import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { silentLogger } from '../../src/observability/logger.ts';
import { createMemoryStateStore } from '../../src/state/memory/memory-state-store.ts';
import { openRocksStateStore } from '../../src/state/rocksdb/rocksdb-state-store.ts';
import { stateStoreSuite } from './state-store.suite.ts';

let folder: string;
let stores = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-state-'));
});
afterAll(() => rm(folder, { recursive: true }));

stateStoreSuite('memory', () => Promise.resolve(createMemoryStateStore()));

stateStoreSuite('RocksDB', () =>
  openRocksStateStore({ dir: join(folder, `store${stores++}`, 'not', 'made', 'yet'), logger: silentLogger }),
);
