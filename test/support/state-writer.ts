/**
 * Goes on with the history in a state directory from where it stands until it is killed; prints the number of each write that
 * resolved. A refused write is printed as an error and tried once more.
 */
import { writeSync } from 'node:fs';
import { RetriableError } from '../../src/errors.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { openRocksStateStore } from '../../src/state/rocksdb/rocksdb-state-store.ts';
import { historyTasks, writeOf } from './state-history.ts';

const store = await openRocksStateStore({ dir: process.argv[2]!, logger: silentLogger });
const last = (await store.checkpoint(historyTasks[0]))?.changelogOffset ?? 0;
for (let n = last + 1; ; n++) {
  try {
    await store.write(writeOf(n));
  } catch (error) {
    if (!(error instanceof RetriableError)) throw error;
    const { name, code, message } = error;
    writeSync(1, `${JSON.stringify({ name, code, message })}\n`);
    await store.write(writeOf(n));
  }
  writeSync(1, `${n}\n`);
}
