import { randomUUID } from 'node:crypto';
import { link, mkdir, open, readFile, readdir, rm } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import { FatalError, messageOf, MillraceError, RetriableError } from '../../errors.ts';
import type { ObjectStore } from '../object-store.ts';

/** Unfinished objects; their names can be no object's. */
const unfinished = '.unfinished';

/** What another try does not mend. */
const lasting = new Set(['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EISDIR', 'EEXIST', 'ENAMETOOLONG']);

/** Objects as files of a folder, which is made when it is missing. */
export function createFilesystemObjectStore(folder: string): ObjectStore {
  const root = resolve(folder);
  const pathOf = (name: string): string => {
    const path = resolve(root, name);
    if (path.startsWith(root + sep)) return path;
    throw new FatalError('object-store-unfit', `"${name}" is not a name within ${root}`);
  };
  return {
    create: (name, body) => classified(root, () => create(root, pathOf(name), body)),
    read: (name) => classified(root, () => ifExists(readFile(pathOf(name)))),
    list: (prefix, after = '') => classified(root, () => list(root, prefix, after)),
    delete: (name) => classified(root, () => rm(pathOf(name), { force: true })),
    // link(2) refuses an existing name by itself.
    probe: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}

async function classified<T>(root: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof MillraceError) throw error;
    const message = `folder ${root}: ${messageOf(error)}`;
    const ErrorClass = lasting.has((error as NodeJS.ErrnoException).code ?? '') ? FatalError : RetriableError;
    throw new ErrorClass('store-unavailable', message, { cause: error });
  }
}

async function list(root: string, prefix: string, after: string): Promise<string[]> {
  const entries = (await ifExists(readdir(root, { recursive: true, withFileTypes: true }))) ?? [];
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1));
  const names = files.map((file) => file.split(sep).join('/')).filter((name) => !name.startsWith(unfinished));
  const inByteOrder = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
  return names.filter((name) => name.startsWith(prefix) && inByteOrder(name, after) > 0).sort(inByteOrder);
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
