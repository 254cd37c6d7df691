/** Reads the offline store's Parquet files: for each key its newest row. */
import { readdir } from 'node:fs/promises';
import { basename, join, sep } from 'node:path';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';

export interface NewestRow {
  /** The entity-log offset that the value belongs to. */
  readonly position: number;
  /** T, microseconds. */
  readonly asOf_us: number;
  /** Integers and timestamps (microseconds) as bigint. */
  readonly values: Readonly<Record<string, unknown>>;
}

// Without these, times would become Dates and lose their microseconds.
const parsers = { timestampFromMicroseconds: (micros: bigint): bigint => micros };

/** Files of a view, the newest of each partition first: `<view>/g<generation>/dt=<day>/<partition>-<offset>.parquet`. */
async function filesOf(dataDir: string, view: string): Promise<string[]> {
  const names = await readdir(dataDir, { recursive: true });
  const order = (name: string): number => Number(/-(\d+)\.parquet$/.exec(basename(name))?.[1] ?? 0);
  return names
    .filter((name) => name.endsWith('.parquet') && name.split(sep).includes(view))
    .sort((a, b) => order(b) - order(a))
    .map((name) => join(dataDir, name));
}

/**
 * The newest row of each key, read backwards until every key is found.
 * @param keys how many different keys there are.
 */
export async function newestRows(
  dataDir: string,
  view: string,
  keyColumn: string,
  keys: number,
): Promise<Map<number, NewestRow>> {
  const newest = new Map<number, NewestRow>();
  for (const path of await filesOf(dataDir, view)) {
    if (newest.size >= keys) break;
    const file = await asyncBufferFromFile(path);
    const rows = await parquetReadObjects({ file, compressors, parsers });
    const inFile = new Map<number, NewestRow>();
    for (const row of rows as Readonly<Record<string, unknown>>[]) {
      const key = Number(row[keyColumn]);
      const position = Number(row['_position']);
      // A key stays in its partition, whose newer files were read before.
      if (newest.has(key) || position < (inFile.get(key)?.position ?? -1)) continue;
      inFile.set(key, { position, asOf_us: Number(row['event_timestamp']), values: row });
    }
    for (const [key, row] of inFile) newest.set(key, row);
  }
  return newest;
}
