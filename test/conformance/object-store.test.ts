import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createFilesystemObjectStore } from '../../src/offline/filesystem/filesystem-object-store.ts';
import { MemoryObjectStore } from '../../src/offline/memory/memory-object-store.ts';
import { objectStoreSuite } from './object-store.suite.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-objects-'));
});
afterAll(() => rm(folder, { recursive: true }));

objectStoreSuite('filesystem', () => {
  return Promise.resolve(createFilesystemObjectStore(join(folder, 'suite', 'not', 'made', 'yet')));
});

objectStoreSuite('memory', () => Promise.resolve(new MemoryObjectStore()));

test('a name that leaves the folder is refused', async () => {
  const store = createFilesystemObjectStore(join(folder, 'names', 'inside'));
  for (const name of ['../outside', 'a/../../outside', '/etc/outside', '', '.'])
    await expect(async () => store.create(name, Buffer.from('1'))).rejects.toThrow(/is not a name within/);
  expect(await readdir(join(folder, 'names')).catch(() => [])).toEqual([]);
});

test('what a crash left half written is no object', async () => {
  const root = join(folder, 'crashed');
  const store = createFilesystemObjectStore(root);
  await mkdir(join(root, '.unfinished'), { recursive: true });
  await writeFile(join(root, '.unfinished', 'half'), 'ha');
  expect(await store.list('')).toEqual([]);
  expect(await store.create('half', Buffer.from('half'))).toBe('created');
  expect(await store.list('')).toEqual(['half']);
});

test('objects outlive the store', async () => {
  const root = join(folder, 'reopened');
  await createFilesystemObjectStore(root).create('a/b', Buffer.from('1'));
  const again = createFilesystemObjectStore(root);
  expect(await again.list('')).toEqual(['a/b']);
  expect(await again.create('a/b', Buffer.from('2'))).toBe('exists');
});
