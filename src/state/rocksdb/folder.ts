/** The folder of a database: opening it, and beginning with nothing when it cannot be read. */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FatalError, messageOf } from '../../errors.ts';
import type { Logger } from '../../observability/logger.ts';
import { nativeError, openDatabase, type Database } from './client.ts';
import { failureOf } from './failure.ts';

export interface StateFolder {
  /** As it was configured, for messages. */
  readonly dir: string;
  /** A folder of its own, so that a wipe touches no file of anybody else. */
  readonly database: string;
  /** A file that says that the database was found unreadable while it was in use, and why. */
  readonly mark: string;
}

export function folderIn(dir: string): StateFolder {
  return { dir, database: join(dir, 'rocksdb'), mark: join(dir, 'unreadable') };
}

export interface Opened {
  readonly database: Database;
  /** Why what was there had to go; null when nothing was wiped. */
  readonly wiped: string | null;
}

/** @throws FatalError `state-locked`, FatalError or RetriableError `store-unavailable` */
export async function openOrWipe(folder: StateFolder, logger: Logger): Promise<Opened> {
  const { dir } = folder;
  try {
    await mkdir(dir, { recursive: true });
    // Opened first in any case: this is what finds out that another worker lives here.
    const found = await openReadable(folder);
    if (typeof found !== 'string') return { database: found, wiped: null };
    logger.warn(
      { directory: dir, reason: found },
      'the state store is unreadable: wiped, its tasks are restored from their changelogs',
    );
    await rm(folder.database, { recursive: true, force: true });
    const database = await openDatabase(folder.database);
    // Last: a crash in between wipes once more.
    await rm(folder.mark, { force: true });
    return { database, wiped: found };
  } catch (error) {
    throw (
      failureOf(error, dir) ??
      new FatalError('store-unavailable', `state directory ${dir}: ${messageOf(error)}: remove it`, { cause: error })
    );
  }
}

/** @returns why it cannot be read, if so. */
async function openReadable({ dir, database: path, mark }: StateFolder): Promise<Database | string> {
  let database: Database;
  try {
    database = await openDatabase(path);
  } catch (error) {
    const native = nativeError(error);
    if (native === null || failureOf(error, dir) !== null) throw error;
    return native.message;
  }
  const reason = await readIfThere(mark);
  if (reason === null) return database;
  await database.close();
  return reason;
}

/** Null when there is no such file. */
export async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/**
 * The next opening wipes the database. Clearing the task at fault would not do: a compaction meets the same block later, and
 * RocksDB refuses every write from then on.
 */
export async function markUnreadable({ dir, mark }: StateFolder, what: string, error: unknown): Promise<FatalError> {
  const reason = `${what}: ${messageOf(nativeError(error) ?? error)}`;
  const marked = await writeFile(mark, reason).then(
    () => 'a restarted worker wipes it and restores its tasks from their changelogs',
    (refused: unknown) => `remove it and restart the worker (it could not be marked: ${messageOf(refused)})`,
  );
  return new FatalError('state-unreadable', `state directory ${dir}, ${reason}: ${marked}`, { cause: error });
}
