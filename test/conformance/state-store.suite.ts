/** What holds for every StateStore. */
import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { StateCheckpoint, StateEntry, StateStore } from '../../src/state/state-store.ts';
import { moments } from './state-moments.suite.ts';

let names = 0;
/** A task that no other test uses. */
const newTask = (): string => `test${String(names++).padStart(3, '0')}/0`;
const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
const put = (key: string, value = key): StateEntry => ({ key: bytes(key), value: bytes(value) });
const removal = (key: string): StateEntry => ({ key: bytes(key), value: null });
const at = (changelogOffset: number): StateCheckpoint => ({
  changelogOffset,
  written_ms: 1_700_000_000_000 + changelogOffset,
  definition: 'd1',
});

/** Every entry of a task as `[key, value]`, one character a byte. */
async function all(store: StateStore, task: string): Promise<[string, string][]> {
  const found: [string, string][] = [];
  for await (const batch of store.entries(task)) {
    expect(batch.length).toBeGreaterThan(0);
    for (const { key, value } of batch)
      found.push([Buffer.from(key).toString('latin1'), Buffer.from(value!).toString('latin1')]);
  }
  return found;
}

const digest = (body: Uint8Array): string => createHash('sha256').update(body).digest('hex');
const numbered = (from: number, to: number, value = 'v'): StateEntry[] =>
  Array.from({ length: to - from }, (_, i) => put(`k${String(from + i).padStart(6, '0')}`, value));

type Open = () => StateStore;

export function stateStoreSuite(name: string, open: () => Promise<StateStore>): void {
  describe(`StateStore: ${name}`, () => {
    let store: StateStore;
    beforeAll(async () => {
      store = await open();
    });
    afterAll(() => store.close());

    roundTrips(() => store);
    changes(() => store);
    severalTasks(() => store);
    clears(() => store);
    parts(() => store);
    snapshots(() => store);
    moments(() => store);
    manyAndLarge(() => store);
    closing(open);
  });
}

function roundTrips(open: Open): void {
  test('a task that was never written has nothing', async () => {
    const task = newTask();
    expect(await open().checkpoint(task)).toBeNull();
    expect(await all(open(), task)).toEqual([]);
    await open().clear(task);
    expect(await open().tasks()).not.toContain(task);
  });

  test('what was written is read back', async () => {
    const task = newTask();
    await open().write([{ task, entries: [put('b', '2'), put('a', '1'), put('empty', '')], checkpoint: at(7) }]);
    expect(await open().checkpoint(task)).toEqual(at(7));
    expect(await all(open(), task)).toEqual([
      ['a', '1'],
      ['b', '2'],
      ['empty', ''],
    ]);
  });

  test.each([
    ['nothing was read yet', { changelogOffset: -1, written_ms: 0, definition: '' }],
    ['the largest', { changelogOffset: Number.MAX_SAFE_INTEGER, written_ms: 8.64e15, definition: 'é'.repeat(500) }],
    ['between two milliseconds', { changelogOffset: 0, written_ms: 1_700_000_000_000.25, definition: '\0"\n' }],
  ])('a checkpoint without entries is kept as it is: %s', async (_, checkpoint) => {
    const task = newTask();
    await open().write([{ task, entries: [], checkpoint }]);
    expect(await open().checkpoint(task)).toEqual(checkpoint);
    expect(await all(open(), task)).toEqual([]);
    expect(await open().tasks()).toContain(task);
  });

  test('keys are in the order of their bytes, whatever they are', async () => {
    const task = newTask();
    const sorted = [
      '',
      '\0',
      '\0\0',
      '\0\x01',
      '\x01',
      '\x01\0',
      'A',
      'a',
      'a\0',
      'a\0b',
      'aa',
      'a\xff',
      '\x7f',
      '\x80',
    ];
    sorted.push('\xfe\xff', '\xff', '\xff\0', '\xff\xff');
    const shuffled = [...sorted].reverse().sort((a, b) => digest(bytes(a)).localeCompare(digest(bytes(b))));
    await open().write([{ task, entries: shuffled.map((key) => put(key, `=${key}`)), checkpoint: at(1) }]);
    expect(await all(open(), task)).toEqual(sorted.map((key) => [key, `=${key}`]));
  });

  test('keys and values that are views into a larger buffer are written alone', async () => {
    const task = newTask();
    const key = bytes('before|key|after').subarray(7, 10);
    const value = Uint8Array.from(bytes('before|value|after')).subarray(7, 12);
    await open().write([{ task, entries: [{ key, value }], checkpoint: at(1) }]);
    expect(await all(open(), task)).toEqual([['key', 'value']]);
  });

  test('buffers are free again once a write has resolved, and those that were read belong to the reader', async () => {
    const task = newTask();
    const entry = { key: bytes('key'), value: bytes('value') };
    await open().write([{ task, entries: [entry], checkpoint: at(1) }]);
    entry.key.fill(0);
    entry.value.fill(0);
    for await (const batch of open().entries(task)) {
      for (const { key, value } of batch) {
        key.fill(1);
        value!.fill(1);
      }
    }
    expect(await all(open(), task)).toEqual([['key', 'value']]);
  });
}

function changes(open: Open): void {
  test('a later write replaces, removes and adds; the rest stays', async () => {
    const task = newTask();
    await open().write([{ task, entries: [put('a'), put('b'), put('c')], checkpoint: at(1) }]);
    await open().write([
      { task, entries: [put('b', 'new'), removal('c'), removal('never'), put('d')], checkpoint: at(2) },
    ]);
    expect(await all(open(), task)).toEqual([
      ['a', 'a'],
      ['b', 'new'],
      ['d', 'd'],
    ]);
    expect(await open().checkpoint(task)).toEqual(at(2));
  });

  test('within one write the last entry of a key counts', async () => {
    const task = newTask();
    const entries = [put('a', '1'), put('a', '2'), put('b'), removal('b'), removal('c'), put('c')];
    await open().write([{ task, entries, checkpoint: at(1) }]);
    expect(await all(open(), task)).toEqual([
      ['a', '2'],
      ['c', 'c'],
    ]);
  });

  test('writes and clears that nobody waits for take effect in the order of their calls', async () => {
    const task = newTask();
    const calls = Array.from({ length: 40 }, (_, i) => {
      if (i % 10 === 5) return open().clear(task);
      // A large value takes longer than the small one behind it.
      const value = String(i).padEnd(i % 2 === 0 ? 2_000_000 : 1);
      return open().write([{ task, entries: [put('last', value), put(`k${i}`)], checkpoint: at(i) }]);
    });
    await Promise.all(calls);
    expect(await open().checkpoint(task)).toEqual(at(39));
    expect(await all(open(), task)).toEqual([
      ['k36', 'k36'],
      ['k37', 'k37'],
      ['k38', 'k38'],
      ['k39', 'k39'],
      ['last', '39'],
    ]);
  });
}

function severalTasks(open: Open): void {
  test('one write holds several tasks, even one of them twice', async () => {
    const [one, two] = [newTask(), newTask()];
    await open().write([
      { task: one, entries: [put('a', '1')], checkpoint: at(1) },
      { task: two, entries: [put('a', '2')], checkpoint: at(2) },
      { task: one, entries: [put('a', '3'), put('b')], checkpoint: at(3) },
    ]);
    expect(await all(open(), one)).toEqual([
      ['a', '3'],
      ['b', 'b'],
    ]);
    expect(await all(open(), two)).toEqual([['a', '2']]);
    expect([await open().checkpoint(one), await open().checkpoint(two)]).toEqual([at(3), at(2)]);
  });

  test('a write of nothing changes nothing', async () => {
    const before = await open().tasks();
    await open().write([]);
    expect(await open().tasks()).toEqual(before);
  });

  test('tasks whose names begin with each other, or end like keys, are apart', async () => {
    const folder = newTask();
    const tasks = ['', '-', '/', '0', '/0', '/00', '/1', '/10', '\x01', '\x02', 'é', '\uffee', '😀'].map(
      (end) => folder + end,
    );
    const keys = ['', '\0', '\x01', '0', '/0', '\xff'];
    await open().write(
      tasks.map((task, i) => ({ task, entries: keys.map((key) => put(key, `${i}`)), checkpoint: at(i) })),
    );
    for (const [i, task] of tasks.entries()) {
      expect(await open().checkpoint(task)).toEqual(at(i));
      expect((await all(open(), task)).map(([, value]) => value)).toEqual(keys.map(() => `${i}`));
    }
    const listed = (await open().tasks()).filter((task) => task.startsWith(folder));
    expect(listed).toEqual([...tasks].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
  });
}

function parts(open: Open): void {
  const read = (entries: readonly StateEntry[]): string[] =>
    entries.map(({ key, value }) => `${Buffer.from(key).toString('latin1')}=${Buffer.from(value!).toString('latin1')}`);

  test('the values of some keys come in the order of the keys, null where there is none', async () => {
    const task = newTask();
    await open().write([{ task, entries: [put('b', 'B'), put('a', 'A'), put('gone')], checkpoint: at(1) }]);
    await open().write([{ task, entries: [removal('gone'), put('empty', '')], checkpoint: at(2) }]);
    const keys = ['b', 'none', 'a', 'gone', 'b', 'empty'].map(bytes);
    const found = await open().get(task, keys);
    expect(found.map((value) => value && Buffer.from(value).toString())).toEqual(['B', null, 'A', null, 'B', '']);
    expect(await open().get(task, [])).toEqual([]);
    expect(await open().get(newTask(), [bytes('a')])).toEqual([null]);
  });

  test('a range has its beginning and not its end, in the order of the bytes, up to a limit', async () => {
    const task = newTask();
    const keys = ['b', 'a', 'aa', 'a\x00', 'c', '\xff', ''];
    await open().write([{ task, entries: keys.map((key) => put(key, 'v')), checkpoint: at(1) }]);
    const range = async (from: string, to: string, limit = 100): Promise<string[]> =>
      read(await open().range(task, { from: bytes(from), to: bytes(to), limit }));
    expect(await range('a', 'b')).toEqual(['a=v', 'a\x00=v', 'aa=v']);
    expect(await range('', '\xff')).toEqual(['=v', 'a=v', 'a\x00=v', 'aa=v', 'b=v', 'c=v']);
    expect(await range('a', '\xff\xff', 2)).toEqual(['a=v', 'a\x00=v']);
    expect(await range('x', 'y')).toEqual([]);
  });

  test('a range is of its task alone, and of many entries', async () => {
    const [task, next] = [newTask(), newTask()];
    await open().write([
      { task, entries: numbered(0, 3000), checkpoint: at(1) },
      { task: next, entries: numbered(0, 5), checkpoint: at(1) },
    ]);
    const everything = await open().range(task, { from: bytes(''), to: bytes('\xff'), limit: 10_000 });
    expect(read(everything)).toEqual(read(numbered(0, 3000)));
    const some = await open().range(task, { from: bytes('k000990'), to: bytes('\xff'), limit: 1500 });
    expect(read(some)).toEqual(read(numbered(990, 2490)));
  });
}

function clears(open: Open): void {
  test('a cleared task is gone, its neighbours stay as they were', async () => {
    const folder = newTask();
    const tasks = ['', '\x01', '0', '00', '1'].map((end) => folder + end);
    const entries = ['', '\0', 'k', '\xff\xff\xff'].map((key) => put(key));
    for (const cleared of tasks) {
      await open().write(tasks.map((task) => ({ task, entries, checkpoint: at(1) })));
      await open().clear(cleared);
      for (const task of tasks) {
        expect(await open().checkpoint(task)).toEqual(task === cleared ? null : at(1));
        expect(await all(open(), task)).toHaveLength(task === cleared ? 0 : entries.length);
      }
      expect((await open().tasks()).filter((task) => task.startsWith(folder))).toEqual(
        tasks.filter((task) => task !== cleared),
      );
    }
  });

  test('a cleared task starts anew', async () => {
    const task = newTask();
    await open().write([{ task, entries: numbered(0, 3000), checkpoint: at(1) }]);
    await open().clear(task);
    await open().write([{ task, entries: [put('k000100', 'new')], checkpoint: at(2) }]);
    expect(await all(open(), task)).toEqual([['k000100', 'new']]);
    expect(await open().checkpoint(task)).toEqual(at(2));
  });
}

function snapshots(open: Open): void {
  test('entries are as of the call for the first batch, while writes and a clear go on', async () => {
    const task = newTask();
    const before = numbered(0, 5000, 'before');
    await open().write([{ task, entries: before, checkpoint: at(1) }]);
    const iterator = open().entries(task)[Symbol.asyncIterator]();
    const first = iterator.next();
    const writing = open().write([
      { task, entries: [...numbered(0, 5000, 'after'), put('a'), put('z')], checkpoint: at(2) },
    ]);
    const seen = [...((await first).value as StateEntry[])];
    await writing;
    await open().clear(task);
    await open().write([{ task, entries: [put('k9')], checkpoint: at(3) }]);
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) seen.push(...next.value);
    const plain = ({ key, value }: StateEntry): string[] => [key, value!].map((part) => Buffer.from(part).toString());
    expect(seen.map(plain)).toEqual(before.map(plain));
    expect(await all(open(), task)).toEqual([['k9', 'k9']]);
  });

  test('no reader sees a write that was called for after its first batch was', async () => {
    const task = newTask();
    const write = (n: number): Promise<void> =>
      open().write([{ task, entries: [put('n', String(n))], checkpoint: at(n) }]);
    await write(0);
    for (let n = 1; n <= 100; n++) {
      const readers = Array.from({ length: 20 }, () => all(open(), task));
      const writing = write(n);
      for (const seen of await Promise.all(readers)) expect(seen).toEqual([['n', String(n - 1)]]);
      await writing;
    }
  });

  test('what was written before the call for the first batch is seen', async () => {
    const task = newTask();
    const entries = open().entries(task);
    await open().write([{ task, entries: [put('a')], checkpoint: at(1) }]);
    const seen: StateEntry[] = [];
    for await (const batch of entries) seen.push(...batch);
    expect(seen).toHaveLength(1);
  });

  test('a reader of entries and checkpoint never sees half a write', async () => {
    const [one, two] = [newTask(), newTask()];
    const write = (n: number): Promise<void> =>
      open().write([one, two].map((task) => ({ task, entries: numbered(0, 50, String(n)), checkpoint: at(n) })));
    await write(0);
    let isDone = false;
    const writing = (async () => {
      for (let n = 1; n <= 150; n++) await write(n);
      isDone = true;
    })();
    let reads = 0;
    for (; !isDone; reads++) {
      const low = (await open().checkpoint(one))!.changelogOffset;
      const values = new Set((await all(open(), two)).map(([, value]) => value));
      const high = (await open().checkpoint(one))!.changelogOffset;
      expect(values.size).toBe(1);
      expect(Number([...values][0])).toBeGreaterThanOrEqual(low);
      expect(Number([...values][0])).toBeLessThanOrEqual(high);
    }
    await writing;
    expect(reads).toBeGreaterThan(0);
  });
}

function manyAndLarge(open: Open): void {
  test('thousands of entries come in batches, and a reader may stop early', async () => {
    const task = newTask();
    const count = 12_345;
    await open().write([{ task, entries: numbered(0, count), checkpoint: at(1) }]);
    let batches = 0;
    let last = '';
    let seen = 0;
    for await (const batch of open().entries(task)) {
      batches++;
      for (const { key } of batch) {
        const name = Buffer.from(key).toString();
        expect(name > last).toBe(true);
        last = name;
        seen++;
      }
    }
    expect(seen).toBe(count);
    expect(batches).toBeGreaterThan(5);
    expect(batches).toBeLessThan(500);
    for await (const batch of open().entries(task)) {
      expect(batch.length).toBeLessThan(count);
      break;
    }
  });

  test('a value of 5 MB is read back byte for byte', async () => {
    const task = newTask();
    const values = [randomBytes(5 * 1024 * 1024 + 1), randomBytes(5 * 1024 * 1024)];
    const entries = values.map((value, i) => ({ key: bytes(`k${i}`), value }));
    await open().write([{ task, entries, checkpoint: at(1) }]);
    const seen: string[] = [];
    for await (const batch of open().entries(task)) for (const { value } of batch) seen.push(digest(value!));
    expect(seen).toEqual(values.map(digest));
  });
}

function closing(open: () => Promise<StateStore>): void {
  test('close waits for writes, ends a reader, and nothing goes on behind it', async () => {
    const store = await open();
    const task = newTask();
    await store.write([{ task, entries: numbered(0, 5000), checkpoint: at(1) }]);
    const reader = store.entries(task)[Symbol.asyncIterator]();
    await reader.next();
    const idle = (await store.snapshot(task))!;
    const writing = store.write([{ task, entries: numbered(0, 5000), checkpoint: at(2) }]);
    await Promise.all([writing, store.close(), store.close()]);
    const drained = async (): Promise<void> => {
      while ((await reader.next()).done !== true);
    };
    const closed = { code: 'store-unavailable', message: expect.stringMatching(/closed/) as string };
    await expect(drained()).rejects.toMatchObject(closed);
    await expect(store.write([{ task, entries: [], checkpoint: at(3) }])).rejects.toMatchObject(closed);
    await expect(store.checkpoint(task)).rejects.toMatchObject(closed);
    await expect(store.snapshot(task)).rejects.toMatchObject(closed);
    await expect(idle.entries[Symbol.asyncIterator]().next()).rejects.toMatchObject(closed);
    await idle.close();
    await expect(store.clear(task)).rejects.toMatchObject(closed);
    await expect(store.tasks()).rejects.toMatchObject(closed);
    await expect(all(store, task)).rejects.toMatchObject(closed);
  });
}
