/** What every ObjectStore must do. */
import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RetriableError } from '../../src/errors.ts';
import type { ObjectStore } from '../../src/offline/object-store.ts';

let folders = 0;
/** A part of the store that no other test uses. */
const newFolder = (): string => `test${folders++}/`;
const bytes = (text: string): Buffer => Buffer.from(text);
const digest = (body: Uint8Array): string => createHash('sha256').update(body).digest('hex');
const inByteOrder = (names: readonly string[]): string[] =>
  [...names].sort((a, b) => Buffer.compare(bytes(a), bytes(b)));

/** Names as the offline task makes them, in byte order. */
const taskNames = (view: string): string[] => [
  `${view}/g1/dt=2026-09-21/0-00000000000000000000.parquet`,
  `${view}/g1/dt=2026-09-21/1-00000000000000000007.parquet`,
  `${view}/g1/dt=2026-09-21/11-00000000000000000003.parquet`,
  `${view}/g1/dt=2026-09-22/0-00000000000000000120.parquet`,
  `${view}/g1/dt=2026-10-01/0-00009007199254740991.parquet`,
  `${view}/g10/dt=2026-09-21/0-00000000000000000000.parquet`,
  `${view}/g2/dt=2026-09-21/0-00000000000000000000.parquet`,
];

type Open = () => ObjectStore;

/** Runs the calls, a few at a time. */
async function each<T>(items: readonly T[], call: (item: T) => Promise<unknown>): Promise<void> {
  const left = items.values();
  const worker = async (): Promise<void> => {
    for (const item of left) await call(item);
  };
  await Promise.all(Array.from({ length: 16 }, worker));
}

/** The outcome of a create, however often its outcome is unknown first. */
async function created(store: ObjectStore, name: string, body: Uint8Array): Promise<'created' | 'exists'> {
  for (;;) {
    try {
      return await store.create(name, body);
    } catch (error) {
      if (!(error instanceof RetriableError)) throw error;
    }
  }
}

export function objectStoreSuite(name: string, open: () => Promise<ObjectStore>): void {
  describe(`ObjectStore: ${name}`, () => {
    let store: ObjectStore;
    beforeAll(async () => {
      store = await open();
    });
    afterAll(() => store.close());

    bodies(() => store);
    racers(() => store);
    lists(() => store);
    order(() => store);
    longLists(() => store);
    deletes(() => store);
    probes(() => store);
  });
}

function bodies(open: Open): void {
  test('an object that was never created is null', async () => {
    expect(await open().read(`${newFolder()}nothing`)).toBeNull();
  });

  test.each([
    ['empty', Buffer.alloc(0)],
    ['one byte', Buffer.from([0])],
    ['every byte value', Buffer.from(Array.from({ length: 256 }, (_, i) => i))],
    ['line ends and chunk framing', bytes('0\r\n\r\n5;chunk-signature=0\r\n\n')],
    ['5 MB', randomBytes(5 * 1024 * 1024 + 1)],
  ])('a body is read back byte for byte: %s', async (_, body) => {
    const name = `${newFolder()}body`;
    expect(await open().create(name, body)).toBe('created');
    const read = await open().read(name);
    expect(read!.length).toBe(body.length);
    expect(digest(read!)).toBe(digest(body));
  });

  test('a body that is a view into a larger buffer is written alone', async () => {
    const name = `${newFolder()}view`;
    await open().create(name, bytes('before|body|after').subarray(7, 11));
    expect(Buffer.from((await open().read(name))!).toString()).toBe('body');
  });

  test('a second create leaves the first body', async () => {
    const name = `${newFolder()}twice`;
    expect(await open().create(name, bytes('first'))).toBe('created');
    expect(await open().create(name, bytes('second, longer'))).toBe('exists');
    expect(await open().create(name, Buffer.alloc(0))).toBe('exists');
    expect(Buffer.from((await open().read(name))!).toString()).toBe('first');
  });

  test('an empty object is an object', async () => {
    const folder = newFolder();
    await open().create(`${folder}empty`, Buffer.alloc(0));
    expect(await open().create(`${folder}empty`, bytes('more'))).toBe('exists');
    expect(await open().list(folder)).toEqual([`${folder}empty`]);
  });
}

function racers(open: Open): void {
  test('of 24 racers for one name exactly one creates, and its body is whole', async () => {
    const name = `${newFolder()}raced`;
    const racing = Array.from({ length: 24 }, (_, i) => Buffer.alloc(40_000 + i, i + 1));
    const outcomes = await Promise.all(racing.map((body) => created(open(), name, body)));
    const winners = racing.filter((_, i) => outcomes[i] === 'created');
    expect(winners).toHaveLength(1);
    expect(Buffer.from((await open().read(name))!).equals(winners[0]!)).toBe(true);
  });

  test('a reader sees no object or the whole one', async () => {
    const name = `${newFolder()}appearing`;
    const body = randomBytes(3_000_000);
    const creating = open().create(name, body);
    let seen: Uint8Array | null = null;
    while (seen === null) seen = await open().read(name);
    expect(digest(seen)).toBe(digest(body));
    expect(await creating).toBe('created');
  });
}

function lists(open: Open): void {
  test('a list holds the names that start with the prefix, and what was just created', async () => {
    const folder = newFolder();
    expect(await open().list(folder)).toEqual([]);
    const names = taskNames(`${folder}user_features`);
    await each([...names, ...taskNames(`${folder}user_features_2`)], (name) => open().create(name, bytes(name)));
    expect(await open().list(`${folder}user_features/g1/`)).toEqual(names.slice(0, 5));
    expect(await open().list(`${folder}user_features/g1`)).toEqual(names.slice(0, 6));
    expect(await open().list(`${folder}user_features/g1/dt=2026-09-21/1`)).toEqual(names.slice(1, 3));
    expect(await open().list(`${folder}user_features/g3/`)).toEqual([]);
    expect(await open().list(`${folder}user_features`)).toHaveLength(14);
  });

  test('names as the offline task makes them are read back', async () => {
    const names = taskNames(`${newFolder()}view_1`);
    await each(names, (name) => open().create(name, bytes(name)));
    for (const name of names) expect(Buffer.from((await open().read(name))!).toString()).toBe(name);
  });

  test('a list goes on behind a name, whether that is there or not', async () => {
    const folder = newFolder();
    const names = ['a', 'b', 'c', 'd'].map((name) => folder + name);
    await each(names, (name) => open().create(name, bytes('1')));
    expect(await open().list(folder, `${folder}b`)).toEqual(names.slice(2));
    expect(await open().list(folder, `${folder}bb`)).toEqual(names.slice(2));
    expect(await open().list(folder, `${folder}A`)).toEqual(names);
    expect(await open().list(folder, `${folder}d`)).toEqual([]);
  });
}

function order(open: Open): void {
  test('a list is in byte order, across folders too', async () => {
    const folder = newFolder();
    const names = ['a/x', 'a-b/x', 'a.b/x', 'a0', 'a=1/x', 'B', 'b', 'é', '10', '9', '_1'].map((name) => folder + name);
    await each(names, (name) => open().create(name, bytes('1')));
    expect(await open().list(folder)).toEqual(inByteOrder(names));
  });
}

function longLists(open: Open): void {
  test('a list holds more than 1,000 names, in order, and goes on from any of them', { timeout: 60_000 }, async () => {
    const folder = newFolder();
    const names = Array.from({ length: 1203 }, (_, i) => {
      return `${folder}g1/dt=2026-09-${10 + (i % 3)}/${i % 7}-${String(i).padStart(20, '0')}.parquet`;
    });
    await each(names, (name) => open().create(name, bytes(name)));
    const sorted = inByteOrder(names);
    expect(await open().list(`${folder}g1/`)).toEqual(sorted);
    expect(await open().list(`${folder}g1/`, sorted[99])).toEqual(sorted.slice(100));
    expect(await open().list(`${folder}g1/`, sorted[1200])).toEqual(sorted.slice(1201));
  });
}

function deletes(open: Open): void {
  test('a deleted object is gone, its neighbours stay, and its name is free again', async () => {
    const folder = newFolder();
    const names = ['a/b', 'ab', 'c'].map((name) => folder + name);
    await each(names, (name) => open().create(name, bytes(name)));
    await open().delete(names[0]!);
    expect(await open().read(names[0]!)).toBeNull();
    expect(await open().list(folder)).toEqual(names.slice(1));
    expect(await open().create(names[0]!, bytes('again'))).toBe('created');
    expect(Buffer.from((await open().read(names[0]!))!).toString()).toBe('again');
  });

  test('what is not there is deleted without an error', async () => {
    const folder = newFolder();
    await open().delete(`${folder}never`);
    await open().create(`${folder}once`, bytes('1'));
    await open().delete(`${folder}once`);
    await open().delete(`${folder}once`);
    expect(await open().list(folder)).toEqual([]);
  });
}

function probes(open: Open): void {
  test('the probe passes and leaves nothing', async () => {
    const before = await open().list('');
    await open().probe();
    await open().probe();
    expect(await open().list('')).toEqual(before);
  });
}
