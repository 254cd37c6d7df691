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

/** All rows of the reference view's feature log: `partition position user count last T visible-at`. */
export async function readFeatureLog(log: Log, application: string, plan: Plan): Promise<string[]> {
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
  await reader.assign(partitions.map((at) => ({ ...at, offset: 0 })));
  await until('the feature log is read', () => partitions.every((at, i) => (reader.position(at) ?? 0) >= ends[i]!));
  await reader.close();
  return records.flatMap(({ partition, value }) =>
    decodeFeatureFrame(value!, entity).rows.map(({ key, position, values, asOf_us, created_us }) => {
      const [count, last] = values as [bigint, bigint | null];
      return [partition, position, key, count, last, asOf_us, created_us].map((field) => field ?? '').join(' ');
    }),
  );
}

/** The same of all Parquet files of the reference view, as DuckDB reads them. */
export async function readParquet(objects: ObjectStore): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-parquet-'));
  try {
    const names = await objects.list('user_features/');
    for (const [i, name] of names.entries()) await writeFile(join(folder, `${i}.parquet`), (await objects.read(name))!);
    const connection = await (await DuckDBInstance.create(':memory:')).connect();
    const reader = await connection.runAndReadAll(
      `select concat_ws(' ', _partition, _position, user_id, transaction_count_last_5_min,
         coalesce(epoch_us(last_update_time)::text, ''), epoch_us(event_timestamp), epoch_us(created_timestamp))
       from read_parquet('${folder}/*.parquet')`,
    );
    return reader.getRows().map(([row]) => row as string);
  } finally {
    await rm(folder, { recursive: true });
  }
}
