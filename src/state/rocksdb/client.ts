/** What the adapter uses of the RocksDB binding, with exact types: the package is plain JavaScript. */
import { FatalError, messageOf } from '../../errors.ts';

export interface KeyRange {
  readonly gte: Uint8Array;
  readonly lt?: Uint8Array;
}

export interface KeyValue {
  readonly key: Buffer;
  readonly value: Buffer;
}

/** A stream of the package streamx. */
export interface Iterator extends AsyncIterable<KeyValue> {
  /** With an error the iteration throws it. */
  destroy(error: Error): void;
}

export interface WriteBatch {
  /** Bytes are not copied before the flush: they are to stay as they are until it resolves. */
  tryPut(key: Uint8Array, value: Uint8Array): void;
  tryDelete(key: Uint8Array): void;
  /** @param end is not contained. */
  tryDeleteRange(start: Uint8Array, end: Uint8Array): void;
  /** @throws Error whose `cause` is the native error. */
  flush(): Promise<void>;
}

export interface ReadBatch {
  /** Resolves after the flush. */
  get(key: Uint8Array): Promise<Buffer | null>;
  tryFlush(): void;
}

/** The state of a database at one moment. */
export interface Session {
  get(key: Uint8Array): Promise<Buffer | null>;
  /** @param options.capacity entries of one native read. The default of 8 makes a scan three times as slow as 1000. */
  iterator(range: KeyRange, options: { readonly capacity: number }): Iterator;
  close(): Promise<void>;
}

export interface Database {
  ready(): Promise<void>;
  get(key: Uint8Array): Promise<Buffer | null>;
  /** The first entry of a range. */
  peek(range: KeyRange, options: { readonly values: false }): Promise<{ readonly key: Buffer } | null>;
  /** One native call for all its keys. Not destroyed, it keeps `close` waiting for ever, as a {@link WriteBatch}. */
  read(options: { readonly capacity: number; readonly autoDestroy: true }): ReadBatch;
  iterator(range: KeyRange, options: { readonly capacity: number; readonly limit: number }): Iterator;
  /** A batch that is never destroyed keeps `close` waiting for ever. */
  write(options: { readonly capacity: number; readonly autoDestroy: true }): WriteBatch;
  /** Taken before it returns. */
  snapshot(): Session;
  /** Memory tables to files. */
  flush(): Promise<void>;
  /** Waits for the iterators. */
  close(): Promise<void>;
}

type DatabaseClass = new (path: string) => Database;

/** Loaded on demand: who keeps the state in memory needs no native library. */
async function load(): Promise<DatabaseClass> {
  try {
    return (await import('rocksdb-native')).default as DatabaseClass;
  } catch (error) {
    const message = `RocksDB does not load: ${messageOf(error)}; on Debian install the package libatomic1`;
    throw new FatalError('store-unavailable', message, { cause: error });
  }
}

/** Opens or makes the database of a folder. */
export async function openDatabase(folder: string): Promise<Database> {
  const DatabaseOfBinding = await load();
  const database = new DatabaseOfBinding(folder);
  await database.ready();
  return database;
}

/** Errors of RocksDB carry a code (mostly EIO, whatever happened), those of the package itself do not. */
export function nativeError(error: unknown): Error | null {
  if (!(error instanceof Error)) return null;
  const { cause } = error;
  const found = cause instanceof Error ? cause : error;
  return typeof (found as NodeJS.ErrnoException).code === 'string' ? found : null;
}
