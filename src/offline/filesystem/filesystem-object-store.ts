import { randomUUID } from 'node:crypto';
import { link, mkdir, open, readFile, readdir, rm } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import { FatalError } from '../../errors.ts';
import type { ObjectStore } from '../object-store.ts';

/** Unfinished objects; their names can be no object's. */
const unfinished = '.unfinished';

/** Objects as files of a folder, which is made when it is missing. */
export function createFilesystemObjectStore(folder: string): ObjectStore {
  const root = resolve(folder);
  const pathOf = (name: string): string => {
    const path = resolve(root, name);
    if (!path.startsWith(root + sep))
      throw new FatalError('object-store-unfit', `"${name}" is not a name within ${root}`);
    return path;
  };
  return {
    create: (name, body) => create(root, pathOf(name), body),
    read: (name) => ifExists(readFile(pathOf(name))),
    list: async (prefix, after = '') => {
      const entries = (await ifExists(readdir(root, { recursive: true, withFileTypes: true }))) ?? [];
      const files = entries
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1));
      const names = files.map((file) => file.split(sep).join('/')).filter((name) => !name.startsWith(unfinished));
      return names.filter((name) => name.startsWith(prefix) && name > after).sort();
    },
    // link(2) refuses an existing name by itself.
    probe: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}

/** Written whole under another name first: a crash leaves no half object. */
async function create(root: string, path: string, body: Uint8Array): Promise<'created' | 'exists'> {
  const temporary = join(root, unfinished, randomUUID());
  await Promise.all([mkdir(dirname(temporary), { recursive: true }), mkdir(dirname(path), { recursive: true })]);
  const file = await open(temporary, 'wx');
  try {
    await file.writeFile(body);
    await file.sync();
  } finally {
    await file.close();
  }
  try {
    await link(temporary, path);
    return 'created';
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return 'exists';
    throw error;
  } finally {
    await rm(temporary, { force: true });
  }
}

async function ifExists<T>(reading: Promise<T>): Promise<T | null> {
  try {
    return await reading;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
