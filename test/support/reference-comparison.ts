/** Redis against one SQL query on Postgres: every hash at its own T. */
import type { Redis } from 'ioredis';
import type pg from 'pg';
import { parseBookkeeping } from '../../src/online/online-store.ts';

export interface OnlineValue {
  readonly user: number;
  readonly count: string;
  readonly last: string | null;
  readonly asOf_us: number;
  readonly visibleAt_us: number;
  readonly position: number;
}

/** The users' values as a model service reads them; a user who has no hash is left out. */
export async function readOnline(redis: Redis, users: number): Promise<OnlineValue[]> {
  const pipeline = redis.pipeline();
  for (let user = 0; user < users; user++) pipeline.hgetall(`user_features:${user}`);
  const answers = (await pipeline.exec())!;
  return answers.flatMap(([error, hash], user) => {
    if (error) throw error;
    const fields = hash as Readonly<Record<string, string>>;
    const own = fields['_user_features'];
    if (own === undefined) return [];
    const { asOf_us, visibleAt_us, position } = parseBookkeeping(own);
    const count = fields['transaction_count_last_5_min']!;
    return [{ user, count, last: fields['last_update_time'] ?? null, asOf_us, visibleAt_us, position }];
  });
}

interface Expected {
  readonly user_id: string;
  readonly count: string;
  readonly last: string | null;
  readonly newest_us: string;
}

/** The tumbling window that contains T, rows up to T; beside it the user's newest event time, which T must not be behind. */
const query = `
  with asked as (select * from unnest($1::bigint[], $2::bigint[]) as asked(user_id, t)),
  live as (
    select user_id, transaction_time, (extract(epoch from transaction_time) * 1000000)::bigint as et from public.transactions
  )
  select asked.user_id,
    count(et) filter (where et <= t and et / $3 = t / $3) as count,
    to_char(max(transaction_time) filter (where et <= t and et / $3 = t / $3), 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as last,
    coalesce(max(et), 0) as newest_us
  from asked left join live using (user_id)
  group by asked.user_id, t`;

/** One line for each value that differs from what SQL says, or that does not yet contain its user's newest row. */
export async function differences(db: pg.Pool, values: readonly OnlineValue[], window_us: number): Promise<string[]> {
  const { rows } = await db.query<Expected>(query, [
    values.map(({ user }) => user),
    values.map(({ asOf_us }) => asOf_us),
    window_us,
  ]);
  const byUser = new Map(rows.map((row) => [Number(row.user_id), row]));
  return values.flatMap((value) => {
    const expected = byUser.get(value.user)!;
    const isEqual = value.count === expected.count && value.last === expected.last;
    if (isEqual && value.asOf_us >= Number(expected.newest_us)) return [];
    return [`${JSON.stringify(value)} but SQL says ${JSON.stringify(expected)}`];
  });
}
