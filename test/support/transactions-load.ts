/** Rows for the reference case: inserts, updates of every kind, deletes. Seeded, so that a run can be had again. */
import type pg from 'pg';

/** How many more rows a user would seem to have if no before image were ever taken back. */
export type Unretracted = ReadonlyMap<number, number>;

export interface LoadOptions {
  readonly users: number;
  readonly rows: number;
  /** Event times lie from here to the moment of the insert, milliseconds. */
  readonly from_ms: number;
}

/** Linear congruential generator of Numerical Recipes; good enough to spread rows. */
export function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const rounds = 10;
const places = ['Oulu', 'Turku', 'Vaasa', 'Åbo', null];

/**
 * Inserts the rows in ten rounds, each followed by its share of changes: 10 % of all rows are updated (a third each the amount, the
 * time, the user), another 10 % deleted.
 */
export async function loadTransactions(db: pg.Pool, { users, rows, from_ms }: LoadOptions): Promise<Unretracted> {
  const next = random(7);
  const extra = new Map<number, number>();
  const add = (user: number, n: number): unknown => extra.set(user, (extra.get(user) ?? 0) + n);
  const perRound = rows / rounds;
  const time_ms = (): number => from_ms + Math.floor(next() * (Date.now() - from_ms));
  for (let round = 0; round < rounds; round++) {
    const ids = Array.from({ length: perRound }, (_, i) => round * perRound + i);
    await insert(db, ids, (id) => id % users, time_ms, next);
    const changed = ids.filter((id) => id % 5 === 0);
    for (const id of changed.filter((id) => id % 10 === 0)) {
      await change(db, id, users, time_ms());
      add(id % users, id % 30 === 0 ? 1 : 0);
    }
    const deleted = changed.filter((id) => id % 10 !== 0);
    await db.query('delete from public.transactions where transaction_id = any($1)', [deleted]);
    for (const id of deleted) add(id % users, 1);
  }
  return extra;
}

async function insert(
  db: pg.Pool,
  ids: readonly number[],
  userOf: (id: number) => number,
  time_ms: () => number,
  next: () => number,
): Promise<void> {
  const columns = [
    ids,
    ids.map(userOf),
    ids.map(() => (next() * 1000).toFixed(2)),
    ids.map(() => (next() < 0.9 ? 'ok' : 'failed')),
    ids.map(() => places[Math.floor(next() * places.length)]),
    ids.map(() => timestampText(time_ms())),
  ];
  await db.query(
    'insert into public.transactions select * from unnest($1::bigint[], $2::bigint[], $3::numeric[], $4::text[], $5::text[], $6::timestamp[])',
    columns,
  );
}

/** One update: by turns of the user, the amount, the time. */
async function change(db: pg.Pool, id: number, users: number, time_ms: number): Promise<void> {
  const set = (assignment: string, value: unknown): Promise<unknown> =>
    db.query(`update public.transactions set ${assignment} = $1 where transaction_id = $2`, [value, id]);
  if (id % 30 === 0) await set('user_id', (id * 7 + 1) % users);
  else if (id % 30 === 10) await set('amount', '0.01');
  else await set('transaction_time', timestampText(time_ms));
}

export const timestampText = (ms: number): string => new Date(ms).toISOString().slice(0, -1);
