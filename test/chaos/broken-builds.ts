/** Workers that lack what the program is there to try: with them it has to find something. */
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

interface Break {
  /** Below `src`. */
  readonly file: string;
  /** Stands exactly once in the file. */
  readonly find: string;
  readonly replace: string;
}

const breaks = {
  fencing: {
    file: 'online/redis/upsert-function.ts',
    find: 'refused = newer < 0',
    replace: 'refused = false',
  },
  'replay-filter': {
    file: 'ingest/source-partition.ts',
    find: "if (this.replays.isReplay(change, keyOf(identified, this.table.primaryKey) ?? '')) return 'replayed';",
    replace: "this.replays.isReplay(change, keyOf(identified, this.table.primaryKey) ?? '');",
  },
} as const satisfies Readonly<Record<string, Break>>;

export type Protection = keyof typeof breaks;

/** @returns the folder of a copy in which it is broken. */
export function buildWithout(what: Protection): string {
  const { file, find, replace }: Break = breaks[what];
  const folder = mkdtempSync(join(tmpdir(), 'millrace-broken-'));
  const path = join('src', file);
  const parts = readFileSync(join(root, path), 'utf8').split(find);
  if (parts.length !== 2) throw new Error(`${path} holds ${parts.length - 1} times, not once: ${find}`);
  for (const each of ['src', 'test/e2e', 'package.json', 'tsconfig.json'])
    cpSync(join(root, each), join(folder, each), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(join(folder, path), parts.join(replace));
  return folder;
}

export const removeBuild = (folder: string): void => {
  rmSync(folder, { recursive: true, force: true });
};
