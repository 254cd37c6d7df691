import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { FatalError } from '../../src/errors.ts';
import { silentLogger, type Logger } from '../../src/observability/logger.ts';
import { openDatabase } from '../../src/state/rocksdb/client.ts';
import { openRocksStateStore, type RocksStateStore } from '../../src/state/rocksdb/rocksdb-state-store.ts';
import type { StateStore } from '../../src/state/state-store.ts';
import { historyTasks, stateAfter, writeOf } from '../support/state-history.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
let folder: string;
let directories = 0;
const newDir = (): string => join(folder, `state${directories++}`);
const reopen = (dir: string, logger: Logger = silentLogger): Promise<RocksStateStore> =>
  openRocksStateStore({ dir, logger });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-rocksdb-'));
});
const writers: Writer[] = [];
// A test that failed leaves none behind.
afterEach(() => Promise.all(writers.splice(0).map((writer) => writer.kill())));
afterAll(() => rm(folder, { recursive: true }));

async function held(store: StateStore, task: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for await (const batch of store.entries(task))
    for (const { key, value } of batch) found.set(Buffer.from(key).toString(), Buffer.from(value!).toString());
  return found;
}

/** The number of the write after which the store stands: the same for both tasks, entries and checkpoint. */
async function standsAt(store: StateStore): Promise<number> {
  const [first, second] = await Promise.all(historyTasks.map((task) => store.checkpoint(task)));
  expect(second).toEqual(first);
  const n = first?.changelogOffset ?? 0;
  const expected = stateAfter(n);
  for (const task of historyTasks) {
    const found = await held(store, task);
    // Not as one comparison: a difference of megabytes is not to be printed.
    expect([...found.keys()].sort()).toEqual([...expected.keys()].sort());
    for (const [key, value] of expected) expect(found.get(key) === value, `${task} ${key} after write ${n}`).toBe(true);
  }
  return n;
}

async function writeHistory(store: StateStore, from: number, to: number): Promise<void> {
  for (let n = from; n <= to; n++) await store.write(writeOf(n));
}

/** Another process that writes the history; `acknowledged` is the last number it reported. */
class Writer {
  acknowledged = 0;
  failure = '';
  private readonly child: ChildProcess;
  private readonly ended: Promise<unknown>;
  private heard: () => void = () => undefined;

  constructor(dir: string, { limits = '' } = {}) {
    const node = `exec "${process.execPath}" --conditions=source --import tsx test/support/state-writer.ts "${dir}"`;
    this.child = spawn('/bin/sh', ['-c', `${limits}${node}`], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
    writers.push(this);
    this.ended = once(this.child, 'close').then(() => {
      this.heard();
    });
    createInterface({ input: this.child.stdout! }).on('line', (line) => {
      if (line.startsWith('{')) this.failure = line;
      else this.acknowledged = Number(line);
      this.heard();
    });
  }

  /** Resolves when it has acknowledged the write; fails when it ends before. */
  async reached(n: number): Promise<void> {
    while (this.acknowledged < n) {
      if (this.child.exitCode !== null || this.child.signalCode !== null)
        throw new Error(`the writer ended at ${this.acknowledged}: ${this.failure}`);
      await new Promise<void>((resolve) => (this.heard = resolve));
    }
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.ended;
  }
}

test('everything outlives a close', async () => {
  const dir = newDir();
  const first = await reopen(dir);
  await writeHistory(first, 1, 30);
  await first.close();
  const again = await reopen(dir);
  expect(again.wiped).toBeNull();
  expect(await standsAt(again)).toBe(30);
  expect(await again.tasks()).toEqual([...historyTasks]);
  await again.clear(historyTasks[0]);
  await again.close();
  const last = await reopen(dir);
  expect(await last.tasks()).toEqual([historyTasks[1]]);
  expect(await held(last, historyTasks[0])).toEqual(new Map());
  await last.close();
});

test('a directory has one identity in all its lives, and a new one only when that is half written', async () => {
  const dir = newDir();
  const identity = async (): Promise<string> => {
    const store = await reopen(dir);
    await store.close();
    return store.identity;
  };
  const first = await identity();
  expect(await identity()).toBe(first);
  await writeFile(join(dir, 'identity'), first.slice(0, 10));
  const second = await identity();
  expect(second).toHaveLength(first.length);
  expect(second).not.toBe(first);
  expect(await identity()).toBe(second);
});

test('kill -9 loses no acknowledged write and keeps none by half', { timeout: 120_000 }, async () => {
  const dir = newDir();
  let before = 0;
  for (let round = 0; round < 6; round++) {
    const writer = new Writer(dir);
    // At least one in front of the kill; the kill itself falls anywhere within the writes that follow.
    await writer.reached(before + 1 + Math.floor(Math.random() * 120));
    await writer.kill();
    const store = await reopen(dir);
    expect(store.wiped).toBeNull();
    const found = await standsAt(store);
    expect(found).toBeGreaterThanOrEqual(writer.acknowledged);
    // The write in flight, and one whose report did not get out any more.
    expect(found).toBeLessThanOrEqual(writer.acknowledged + 2);
    await store.close();
    before = found;
  }
});

describe('a directory that somebody else has open', () => {
  const locked = (dir: string): object => ({
    code: 'state-locked',
    message: expect.stringMatching(new RegExp(`${dir}.*MILLRACE_STATE_DIR`)) as string,
  });

  test('within the process', async () => {
    const dir = newDir();
    const store = await reopen(dir);
    await writeHistory(store, 1, 3);
    const second = reopen(dir);
    await expect(second).rejects.toBeInstanceOf(FatalError);
    await expect(second).rejects.toMatchObject(locked(dir));
    expect(await standsAt(store)).toBe(3);
    await store.close();
  });

  test('in another process, even when it was marked unreadable', { timeout: 60_000 }, async () => {
    const dir = newDir();
    const writer = new Writer(dir);
    await writer.reached(1);
    await writeFile(join(dir, 'unreadable'), 'as a test says');
    await expect(reopen(dir)).rejects.toMatchObject(locked(dir));
    const before = writer.acknowledged;
    await writer.reached(before + 10);
    await writer.kill();
    const store = await reopen(dir);
    expect(store.wiped).toBe('as a test says');
    await store.close();
  });
});

/** Overwrites a part of a file; all of it when nothing else is said. */
async function spoil(path: string, from = 0, to = 1): Promise<void> {
  const { size } = await stat(path);
  const file = await open(path, 'r+');
  try {
    const start = Math.floor(size * from);
    await file.write(Buffer.alloc(Math.ceil(size * (to - from)), 0x5a), 0, undefined, start);
  } finally {
    await file.close();
  }
}

/** A store with files, closed; the history stands at 20. */
async function written(dir: string): Promise<string> {
  const store = await reopen(dir);
  await writeHistory(store, 1, 20);
  await store.close();
  const path = join(dir, 'rocksdb');
  // Closing alone leaves the entries in the log.
  const database = await openDatabase(path);
  await database.flush();
  await database.close();
  return path;
}

async function fileOf(database: string, pattern: RegExp): Promise<string> {
  const found = (await readdir(database)).filter((name) => pattern.test(name));
  expect(found.length, `files like ${pattern} in ${(await readdir(database)).join(', ')}`).toBeGreaterThan(0);
  return join(database, found.at(-1)!);
}

describe('an unreadable database', () => {
  test.each<[string, RegExp, (path: string) => Promise<unknown>]>([
    ['CURRENT overwritten', /^CURRENT$/, (path) => writeFile(path, 'garbage')],
    ['CURRENT gone', /^CURRENT$/, (path) => rm(path)],
    ['the manifest overwritten', /^MANIFEST-/, (path) => spoil(path)],
    ['the manifest gone', /^MANIFEST-/, (path) => rm(path)],
    ['a table overwritten', /[.]sst$/, (path) => spoil(path)],
    ['a table cut off', /[.]sst$/, (path) => truncate(path, 1000)],
    ['a table gone', /[.]sst$/, (path) => rm(path)],
  ])('is wiped, and says so: %s', async (_, pattern, damage) => {
    const dir = newDir();
    await damage(await fileOf(await written(dir), pattern));
    await writeFile(join(dir, 'not ours'), '1');
    const lines: [object, string][] = [];
    const store = await reopen(dir, { ...silentLogger, warn: (fields, message) => lines.push([fields, message]) });
    expect(store.wiped).toMatch(/\w+/);
    expect(lines).toEqual([[{ directory: dir, reason: store.wiped }, expect.stringMatching(/wiped/)]]);
    expect(await store.tasks()).toEqual([]);
    expect(await standsAt(store)).toBe(0);
    await writeHistory(store, 1, 5);
    await store.close();
    const again = await reopen(dir);
    expect(again.wiped).toBeNull();
    expect(await standsAt(again)).toBe(5);
    await again.close();
    expect(await readFile(join(dir, 'not ours'), 'utf8')).toBe('1');
  });

  test('bytes that turned bad within a table are noticed by whoever reads them; the next opening wipes', async () => {
    const dir = newDir();
    const path = await fileOf(await written(dir), /[.]sst$/);
    await spoil(path, 0.4, 0.45);
    const store = await reopen(dir);
    expect(store.wiped).toBeNull();
    const reading = Promise.all(historyTasks.map((task) => held(store, task)));
    await expect(reading).rejects.toBeInstanceOf(FatalError);
    await expect(reading).rejects.toMatchObject({
      code: 'state-unreadable',
      message: expect.stringMatching(new RegExp(`${dir}, entries of changelog/\\d: .*checksum.*restarted`)) as string,
    });
    await store.close();
    const again = await reopen(dir);
    expect(again.wiped).toMatch(/entries of changelog\/\d: .*checksum/);
    expect(await again.tasks()).toEqual([]);
    await again.close();
    const last = await reopen(dir);
    expect(last.wiped).toBeNull();
    await last.close();
  });

  test.each([
    ['empty', Buffer.alloc(0)],
    ['of another version', Buffer.from([9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])],
    ['cut off', Buffer.from([1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 5, 65])],
    ['too long', Buffer.from([1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 1, 65, 66])],
  ])('a checkpoint that is %s is no checkpoint', async (_, bytes) => {
    const dir = newDir();
    const database = await openDatabase(await written(dir));
    const batch = database.write({ capacity: 1, autoDestroy: true });
    batch.tryPut(Buffer.from('changelog/1\0\0'), bytes);
    await batch.flush();
    await database.close();
    const store = await reopen(dir);
    await expect(store.checkpoint('changelog/1')).rejects.toMatchObject({ code: 'state-unreadable' });
    await store.close();
    const again = await reopen(dir);
    expect(again.wiped).toMatch(/checkpoint of changelog\/1: a checkpoint/);
    await again.close();
  });

  test('entries without a checkpoint are no task', async () => {
    const dir = newDir();
    const database = await openDatabase(await written(dir));
    const batch = database.write({ capacity: 1, autoDestroy: true });
    batch.tryDelete(Buffer.from('changelog/1\0\0'));
    await batch.flush();
    await database.close();
    const store = await reopen(dir);
    await expect(store.tasks()).rejects.toMatchObject({ code: 'state-unreadable' });
    await store.close();
  });
});

describe('a disk that refuses', () => {
  test('a write that found no room fails as a whole, and the next one may succeed', { timeout: 60_000 }, async () => {
    const dir = newDir();
    // Blocks of 512 bytes: no file of this process grows beyond 4 MB, so every log of the database is full after some writes.
    const writer = new Writer(dir, { limits: 'ulimit -f 8192; ' });
    await writer.reached(60);
    expect(JSON.parse(writer.failure)).toMatchObject({ name: 'RetriableError', code: 'store-unavailable' });
    expect(writer.failure).toContain(dir);
    await writer.kill();
    const store = await reopen(dir);
    expect(store.wiped).toBeNull();
    expect(await standsAt(store)).toBeGreaterThanOrEqual(60);
    await store.close();
  });

  test('a path that is no directory is an error, and stays', async () => {
    const path = newDir();
    await writeFile(path, 'a file');
    for (const dir of [path, join(path, 'below')]) {
      await expect(reopen(dir)).rejects.toBeInstanceOf(FatalError);
      await expect(reopen(dir)).rejects.toMatchObject({ code: 'store-unavailable' });
    }
    expect(await readFile(path, 'utf8')).toBe('a file');
  });
});

test('a name that cannot be told from another is refused', async () => {
  const store = await reopen(newDir());
  const write = writeOf(1)[0]!;
  for (const task of ['a\0b', '\0', '\ud800'])
    await expect(store.write([{ ...write, task }])).rejects.toThrow(/names no task/);
  expect(await store.tasks()).toEqual([]);
  await store.close();
});
