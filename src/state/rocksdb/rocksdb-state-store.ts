import { resolve } from 'node:path';
import { FatalError, MillraceError, RetriableError } from '../../errors.ts';
import type { Logger } from '../../observability/logger.ts';
import type { StateCheckpoint, StateEntry, StateRange, StateSnapshot, StateStore, TaskWrite } from '../state-store.ts';
import { nativeError, openDatabase, type Database, type Iterator, type Session, type WriteBatch } from './client.ts';
import { failureOf } from './failure.ts';
import { identityOf } from './identity.ts';
import { folderIn, markUnreadable, openOrWipe, type Opened, type StateFolder } from './folder.ts';
import { entryKey, entryRange, keysOf, MisshapenError, parseCheckpoint, putsOf, taskOf } from './layout.ts';

/** Entries of one native read and of one batch. */
const batchLimit = 1000;

export interface RocksStateStoreOptions {
  /** Of this worker alone; made when it is missing. */
  readonly dir: string;
  readonly logger: Logger;
}

export interface RocksStateStore extends StateStore {
  /** Why all tasks that were there had to go; null when the store was readable, or new. */
  readonly wiped: string | null;
  /** The same for each life on this directory, and for no other that lives meanwhile. */
  readonly identity: string;
}

/**
 * All tasks of a worker in one database with one column family, since a batch is atomic only within its write-ahead log. That log is
 * on, so a killed process loses nothing that was acknowledged. It is not synced: when the machine goes down the database comes back
 * as it was a little earlier, each checkpoint with its entries, and the changelog, which is the source of truth, has the rest.
 * @throws FatalError `state-locked`, FatalError or RetriableError `store-unavailable`
 */
export async function openRocksStateStore({ dir, logger }: RocksStateStoreOptions): Promise<RocksStateStore> {
  const folder = folderIn(resolve(dir));
  const opened = await openOrWipe(folder, logger);
  try {
    return new RocksStore(folder, opened, await identityOf(folder.dir));
  } catch (error) {
    await opened.database.close();
    throw error;
  }
}

class RocksStore implements RocksStateStore {
  readonly wiped: string | null;
  readonly identity: string;
  private readonly folder: StateFolder;
  /** Null between a refused write and the next opening. */
  private database: Database | null;
  private dropped: Promise<void> = Promise.resolve();
  private reopening: Promise<Database> | null = null;
  /** Writes go one after the other: the binding's threads keep no order. */
  private lastWrite: Promise<unknown> = Promise.resolve();
  private readonly readers = new Set<Iterator>();
  private closing: Promise<void> | null = null;

  constructor(folder: StateFolder, { database, wiped }: Opened, identity: string) {
    this.identity = identity;
    this.folder = folder;
    this.database = database;
    this.wiped = wiped;
  }

  async checkpoint(task: string): Promise<StateCheckpoint | null> {
    const { checkpoint: key } = keysOf(task);
    return this.reading(`checkpoint of ${task}`, async (database) => {
      const value = await database.get(key);
      return value === null ? null : parseCheckpoint(value);
    });
  }

  async get(task: string, wanted: readonly Uint8Array[]): Promise<readonly (Uint8Array | null)[]> {
    const keys = keysOf(task);
    if (wanted.length === 0) return [];
    return this.reading(`entries of ${task}`, async (database) => {
      const batch = database.read({ capacity: wanted.length, autoDestroy: true });
      const values = Promise.all(wanted.map((key) => batch.get(entryKey(keys, key))));
      batch.tryFlush();
      return values;
    });
  }

  async range(task: string, { from, to, limit }: StateRange): Promise<readonly StateEntry[]> {
    const keys = keysOf(task);
    return this.reading(`entries of ${task}`, async (database) => {
      const range = { gte: entryKey(keys, from), lt: entryKey(keys, to) };
      const iterator = database.iterator(range, { capacity: Math.min(limit, batchLimit), limit });
      this.readers.add(iterator);
      try {
        const entries: StateEntry[] = [];
        for await (const { key, value } of iterator)
          entries.push({ key: key.subarray(keys.entryPrefix.length), value });
        return entries;
      } finally {
        this.readers.delete(iterator);
      }
    });
  }

  async write(writes: readonly TaskWrite[]): Promise<void> {
    // Made before there is a batch: a batch that is given up would keep the database from closing.
    const puts = writes.flatMap((write) => [...putsOf(write)]);
    if (puts.length === 0) return;
    const tasks = writes.map(({ task }) => task).join(', ');
    await this.writing(`write of ${tasks}`, puts.length, (batch) => {
      for (const { key, value } of puts) {
        if (value === null) batch.tryDelete(key);
        else batch.tryPut(key, value);
      }
    });
  }

  async clear(task: string): Promise<void> {
    const { checkpoint, end } = keysOf(task);
    await this.writing(`clearing of ${task}`, 1, (batch) => {
      batch.tryDeleteRange(checkpoint, end);
    });
  }

  async *entries(task: string): AsyncGenerator<readonly StateEntry[]> {
    keysOf(task);
    this.refuseClosed();
    // No await when the database is open: the snapshot is of this very moment.
    const database = this.database ?? (await this.open());
    let session: Session | null = null;
    try {
      // An iterator alone would see the state at its first read, on another thread.
      session = database.snapshot();
      yield* this.entriesOf(task, database, session);
    } catch (error) {
      throw await this.failure(`entries of ${task}`, database, error);
    } finally {
      await session?.close();
    }
  }

  async snapshot(task: string): Promise<StateSnapshot | null> {
    const { checkpoint: key } = keysOf(task);
    this.refuseClosed();
    const database = this.database ?? (await this.open());
    const what = `snapshot of ${task}`;
    let session: Session | null = null;
    try {
      session = database.snapshot();
      const value = await session.get(key);
      if (value !== null) return this.snapshotOf(task, parseCheckpoint(value), database, session);
      await session.close();
      return null;
    } catch (error) {
      await session?.close();
      throw await this.failure(what, database, error);
    }
  }

  private snapshotOf(task: string, checkpoint: StateCheckpoint, database: Database, session: Session): StateSnapshot {
    let closing: Promise<void> | null = null;
    const entries = this.entriesOf(task, database, session);
    return {
      checkpoint,
      entries,
      close: async () => {
        await entries.return(undefined);
        closing ??= session.close();
        await closing;
      },
    };
  }

  private async *entriesOf(
    task: string,
    database: Database,
    session: Session,
  ): AsyncGenerator<readonly StateEntry[], undefined> {
    const keys = keysOf(task);
    let iterator: Iterator | null = null;
    try {
      iterator = session.iterator(entryRange(keys), { capacity: batchLimit });
      this.readers.add(iterator);
      let batch: StateEntry[] = [];
      for await (const { key, value } of iterator) {
        batch.push({ key: key.subarray(keys.entryPrefix.length), value });
        if (batch.length === batchLimit) {
          yield batch;
          batch = [];
        }
      }
      if (batch.length > 0) yield batch;
    } catch (error) {
      throw await this.failure(`entries of ${task}`, database, error);
    } finally {
      if (iterator !== null) this.readers.delete(iterator);
    }
  }

  async tasks(): Promise<readonly string[]> {
    return this.reading('tasks', async (database) => {
      const tasks: string[] = [];
      for (let from: Uint8Array = Buffer.from([0]); ;) {
        const first = await database.peek({ gte: from }, { values: false });
        if (first === null) return tasks;
        const task = taskOf(first.key);
        tasks.push(task);
        from = keysOf(task).end;
      }
    });
  }

  close(): Promise<void> {
    this.closing ??= this.shut();
    return this.closing;
  }

  private async shut(): Promise<void> {
    await this.lastWrite;
    await this.reopening?.catch(() => undefined);
    this.endReaders(this.closedError());
    await this.dropped;
    await this.database?.close();
  }

  private async reading<T>(what: string, read: (database: Database) => Promise<T>): Promise<T> {
    this.refuseClosed();
    const database = await this.open();
    try {
      return await read(database);
    } catch (error) {
      throw await this.failure(what, database, error);
    }
  }

  private async writing(what: string, capacity: number, fill: (batch: WriteBatch) => void): Promise<void> {
    this.refuseClosed();
    const turn = this.lastWrite.then(async () => {
      const database = await this.open();
      try {
        const batch = database.write({ capacity, autoDestroy: true });
        fill(batch);
        await batch.flush();
      } catch (error) {
        const failure = await this.failure(what, database, error);
        if (failure instanceof RetriableError) this.drop(database, failure);
        throw failure;
      }
    });
    this.lastWrite = turn.catch(() => undefined);
    await turn;
  }

  private async open(): Promise<Database> {
    if (this.database !== null) return this.database;
    this.reopening ??= this.reopen().finally(() => (this.reopening = null));
    return this.reopening;
  }

  /** Never wipes: what could be read a moment ago is there. */
  private async reopen(): Promise<Database> {
    await this.dropped;
    try {
      this.database = await openDatabase(this.folder.database);
      return this.database;
    } catch (error) {
      throw failureOf(error, this.folder.dir) ?? (await markUnreadable(this.folder, 'opening it again', error));
    }
  }

  /** After a write that found the disk full RocksDB refuses all others, room or not, until it is opened again. */
  private drop(database: Database, reason: RetriableError): void {
    this.database = null;
    this.endReaders(reason);
    // What it cannot write to its files is in its log.
    this.dropped = database.close().catch(() => undefined);
  }

  /** The database does not close while an iterator is open. */
  private endReaders(reason: MillraceError): void {
    for (const iterator of this.readers) iterator.destroy(reason);
  }

  private refuseClosed(): void {
    if (this.closing !== null) throw this.closedError();
  }

  private closedError(): FatalError {
    return new FatalError(
      'store-unavailable',
      `state directory ${this.folder.dir} is closed: nothing may use it any more`,
    );
  }

  /** What to throw for what a call on the database threw. */
  private async failure(what: string, database: Database, error: unknown): Promise<Error> {
    if (error instanceof MillraceError) return error;
    if (error instanceof MisshapenError) return markUnreadable(this.folder, what, error);
    if (nativeError(error) !== null)
      return failureOf(error, this.folder.dir) ?? (await markUnreadable(this.folder, what, error));
    if (this.closing !== null) return this.closedError();
    if (this.database !== database) {
      const message = `state directory ${this.folder.dir}, ${what}: it was closed to be opened again; try again`;
      return new RetriableError('store-unavailable', message, { cause: error });
    }
    return error as Error;
  }
}
