/** Whether anything was lost: Redis and Parquet against what each user's features have to be. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import type { ObjectStore } from '../../src/offline/object-store.ts';
import { query, writeObject } from '../../test/support/duckdb.ts';
import type { Expected } from './steady-load.ts';

const page = 5000;

/** A sum over no rows is null. */
const spendOf = ({ transactions, spend_cents }: Expected): string | null =>
  transactions === 0 ? null : (spend_cents / 100).toFixed(2);

/** @returns a line for each user whose hash is another. */
export async function onlineMismatches(redis: Redis, expected: ReadonlyMap<number, Expected>): Promise<string[]> {
  const users = [...expected];
  const mismatches: string[] = [];
  for (let from = 0; from < users.length; from += page) {
    const part = users.slice(from, from + page);
    const pipeline = redis.pipeline();
    for (const [user] of part) pipeline.hmget(`user_features:${user}`, 'transactions', 'spend');
    const answers = (await pipeline.exec())!;
    for (const [i, [user, each]] of part.entries()) {
      const [n, spend] = answers[i]![1] as [string | null, string | null];
      if (n !== String(each.transactions) || (spend === '' ? null : spend) !== spendOf(each))
        mismatches.push(`user ${user}: Redis has ${n}, ${spend}; it should be ${each.transactions}, ${spendOf(each)}`);
    }
  }
  return mismatches;
}

export interface OfflineOutcome {
  readonly rows: number;
  /** Of (partition, position, key). */
  readonly distinct: number;
  readonly mismatches: readonly string[];
}

/** Newest row of each user in the Parquet files, and how many rows there are. */
export async function offlineOutcome(
  objects: ObjectStore,
  expected: ReadonlyMap<number, Expected>,
): Promise<OfflineOutcome> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-outages-'));
  try {
    for (const name of await objects.list('user_features/'))
      await writeObject(join(folder, name), (await objects.read(name))!);
    const files = `read_parquet('${folder}/**/*.parquet', hive_partitioning = false)`;
    const [totals] = await query(
      `select count(*) as n, count(distinct (_partition, _position, user_id)) as d from ${files}`,
    );
    const newest = await query(
      `select user_id, arg_max(transactions, _position) as n,
         cast(arg_max(coalesce(spend, -1), _position) * 100 as bigint) as cents from ${files} group by user_id`,
    );
    const byUser = new Map(newest.map(({ user_id, n, cents }) => [Number(user_id), `${Number(n)}, ${Number(cents)}`]));
    const mismatches = [...expected].flatMap(([user, { transactions, spend_cents }]) => {
      const found = byUser.get(user) ?? 'nothing';
      const wanted = `${transactions}, ${transactions === 0 ? -100 : spend_cents}`;
      return found === wanted ? [] : [`user ${user}: Parquet has ${found}; it should be ${wanted}`];
    });
    return { rows: Number(totals!['n']), distinct: Number(totals!['d']), mismatches };
  } finally {
    await rm(folder, { recursive: true });
  }
}
