/** Runs the SQL of `docs/parquet.md` over files that the offline task cut. */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createFilesystemObjectStore } from '../../../src/offline/filesystem/filesystem-object-store.ts';
import type { FeatureRow } from '../../../src/frames/feature-frame.ts';
import { query } from '../../support/duckdb.ts';
import { logOf, Partition, type LoggedRecord } from '../../support/offline-fleet.ts';

const text = readFileSync(new URL('../../../docs/parquet.md', import.meta.url), 'utf8');
const blocks = [...text.matchAll(/^```sql\n([^]*?)^```$/gm)].map((match) => match[1]!);

let folder: string;
/** The one query of the document that holds this text, over the files of the test. */
function documented(part: string): string {
  const found = blocks.filter((block) => block.includes(part));
  expect(found).toHaveLength(1);
  expect(found[0]).toContain("'s3://features/");
  return found[0]!.replaceAll("'s3://features/", `'${folder}/`);
}

/** Two partitions, whose keys are apart as they are in a feature log; four days, not in order. */
const logs: readonly (readonly [number, readonly LoggedRecord[]])[] = [0, 5].map((partition) => [
  partition,
  logOf(
    Array.from({ length: 120 }, (_, i) => ({
      view: i % 5 === 4 ? 1 : 0,
      gap: 1 + (i % 7 === 0 ? 1 : 0),
      rows: Array.from({ length: 1 + (i % 4) }, (_, j) => ({
        day: (i + j) % 40 > 30 ? 0 : Math.floor(i / 40),
        key: 1 + partition * 10 + ((i * 3 + j * 5) % 9),
        isNext: j % 2 === 1,
      })),
    })),
  ),
]);

const rowsOf = (log: readonly LoggedRecord[]): FeatureRow[] =>
  log.filter(({ view }) => view.name === 'user_features').flatMap(({ rows }) => rows);
const all: readonly FeatureRow[] = logs.flatMap(([, log]) => rowsOf(log));

/** The last of a key's rows that fulfil the condition. */
function newestOf(key: string, isMeant: (row: FeatureRow) => boolean = () => true): FeatureRow | null {
  const meant = all.filter((row) => row.key === key && isMeant(row));
  return meant.reduce<FeatureRow | null>((best, row) => (row.position > (best?.position ?? -1) ? row : best), null);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-parquet-doc-'));
  const store = createFilesystemObjectStore(folder);
  for (const [partition, log] of logs) {
    const at = new Partition(partition, log, store, [{ rows: 25, bytes: 1e9, age_ms: 1e9 }]);
    await at.assign();
    await at.owner.finish(store);
  }
});
afterAll(() => rm(folder, { recursive: true }));

test('there are no duplicates, and the query would see one', async () => {
  const sql = documented('AS duplicates');
  expect(await query(sql)).toEqual([{ duplicates: 0n }]);
  const store = createFilesystemObjectStore(folder);
  const [name] = await store.list('user_features/');
  const copy = 'user_features/g1/dt=2030-01-01/0-00000000000000009999.parquet';
  await store.create(copy, (await store.read(name!))!);
  const [{ duplicates }] = (await query(sql)) as [{ duplicates: bigint }];
  await rm(join(folder, copy));
  expect(duplicates).toBeGreaterThan(0n);
});

test("each key's newest value", async () => {
  const found = await query(documented('PARTITION BY user_id ORDER BY'));
  const keys = [...new Set(all.map(({ key }) => key))].sort((a, b) => Number(a) - Number(b));
  const byKey = found.sort((a, b) => Number(a['user_id']) - Number(b['user_id']));
  expect(byKey).toEqual(
    keys.map((key) => {
      const { values, asOf_us, created_us, position } = newestOf(key)!;
      return {
        user_id: BigInt(key),
        transaction_count_last_5_min: values[0],
        last_update_time: values[1],
        smallest_ok_last_minute: null,
        event_timestamp: BigInt(asOf_us),
        created_timestamp: BigInt(created_us),
        _partition: Number(key) > 50 ? 5 : 0,
        _position: BigInt(position),
      };
    }),
  );
});

test('what serving would have answered at a moment, nothing before the first value', async () => {
  const moments = all.flatMap(({ key, created_us }) =>
    [created_us - 1, created_us, created_us + 1].map((at) => [key, at] as const),
  );
  const labels = [...new Map(moments.map((moment) => [moment.join(), moment])).values(), ['999', 0] as const];
  const values = labels.map(([key, at]) => `(${key}::BIGINT, make_timestamptz(${at}::BIGINT))`);
  await query(
    `CREATE OR REPLACE TEMP TABLE labels AS SELECT * FROM (VALUES ${values.join(', ')}) AS t(user_id, label_time)`,
  );
  const found = await query(documented('FROM labels'));
  const answer = new Map(
    found.map((row) => [`${String(row['user_id'])},${String(row['label_time'])}`, row['transaction_count_last_5_min']]),
  );
  expect(answer.size).toBe(labels.length);
  const wrong = labels.filter(
    ([key, at]) => answer.get(`${key},${at}`) !== (newestOf(key, (row) => row.created_us <= at)?.values[0] ?? null),
  );
  expect(wrong).toEqual([]);
  expect([...answer.values()].filter((value) => value === null).length).toBeGreaterThan(9);
});

test('which records each file holds', async () => {
  const found = await query(documented('parquet_kv_metadata'));
  expect(found.length).toBeGreaterThan(12);
  for (const [partition, log] of logs) {
    const offsets = log.filter(({ view }) => view.name === 'user_features').map(({ offset }) => BigInt(offset));
    const ranges = found
      .filter((row) => String(row['file_name']).includes(`/${partition}-`))
      .map((row) => [row['first_offset'], row['last_offset']] as [bigint, bigint]);
    const covering = offsets.map(
      (offset) => ranges.filter(([first, last]) => first <= offset && offset <= last).length,
    );
    expect(new Set(covering)).toEqual(new Set([1]));
    expect(ranges.map(([first]) => first)).toEqual(ranges.map(([first]) => first).sort((a, b) => Number(a - b)));
    expect([ranges[0]![0], ranges.at(-1)![1]]).toEqual([offsets[0], offsets.at(-1)]);
  }
});

test('every block is run here', () => {
  expect(blocks).toHaveLength(4);
});
