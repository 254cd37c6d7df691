/** What the feature log and the Parquet files hold, each row as one text; times in microseconds since 1970. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import type { Plan } from '../../src/define/plan.ts';
import { decodeFeatureFrame } from '../../src/frames/feature-frame.ts';
import type { Log, LogRecord } from '../../src/log/log.ts';
import type { ObjectStore } from '../../src/offline/object-store.ts';
import { featureLogTopic } from '../../src/worker/topics.ts';
import { until } from './until.ts';

/** How far something that grows was read. */
export interface ReadSoFar {
  /** Of the feature log, per partition. */
  offsets: readonly number[];
  /** Names of Parquet files. */
  readonly files: Set<string>;
}

export const nothingRead = (): ReadSoFar => ({ offsets: [], files: new Set() });

/** Rows of the reference view's feature log: `partition position user count last T visible-at`. @param before what is not read again. */
export async function readFeatureLog(
  log: Log,
  application: string,
  plan: Plan,
  before: ReadSoFar = nothingRead(),
): Promise<string[]> {
  const entity = plan.entities[0]!;
  const topic = featureLogTopic(application, entity);
  const partitions = Array.from({ length: entity.partitions }, (_, partition) => ({ topic, partition }));
  const records: LogRecord[] = [];
  const reader = await log.reader({
    batch: (batch) => {
      records.push(...batch);
    },
    failed: (error) => {
      throw error;
    },
  });
  const ends = await reader.endOffsets(partitions);
  await reader.assign(partitions.map((at, i) => ({ ...at, offset: before.offsets[i] ?? 0 })));
  await until('the feature log is read', () => partitions.every((at, i) => (reader.position(at) ?? 0) >= ends[i]!));
  // More may have come than was asked for, and comes until it is closed: both are taken of one moment.
  before.offsets = partitions.map((at) => reader.position(at)!);
  const taken = records.splice(0);
  await reader.close();
  return taken.flatMap(({ partition, value }) =>
    decodeFeatureFrame(value!, entity).rows.map(({ key, position, values, asOf_us, created_us }) => {
      const [count, last] = values as [bigint, bigint | null];
      return [partition, position, key, count, last, asOf_us, created_us].map((field) => field ?? '').join(' ');
    }),
  );
}

/** The same of the Parquet files of the reference view, as DuckDB reads them. @param before what is not read again. */
export async function readParquet(objects: ObjectStore, before: ReadSoFar = nothingRead()): Promise<string[]> {
  const names = (await objects.list('user_features/')).filter((name) => !before.files.has(name));
  if (names.length === 0) return [];
  const folder = await mkdtemp(join(tmpdir(), 'millrace-parquet-'));
  try {
    for (const [i, name] of names.entries()) await writeFile(join(folder, `${i}.parquet`), (await objects.read(name))!);
    const connection = await (await DuckDBInstance.create(':memory:')).connect();
    const reader = await connection.runAndReadAll(
      `select concat_ws(' ', _partition, _position, user_id, transaction_count_last_5_min,
         coalesce(epoch_us(last_update_time)::text, ''), epoch_us(event_timestamp), epoch_us(created_timestamp))
       from read_parquet('${folder}/*.parquet')`,
    );
    for (const name of names) before.files.add(name);
    return reader.getRows().map(([row]) => row as string);
  } finally {
    await rm(folder, { recursive: true });
  }
}
