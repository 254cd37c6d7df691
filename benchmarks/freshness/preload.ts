/**
 * The keys that are active at every window end. Each has one row per window, all inserted before the run: the rows of later windows
 * bear the very start of their window, and wait in the key's state until then. So at each window end every key's timer fires once,
 * dropping the window that ended and taking up the row of the next, and no background load mixes with the measured rows.
 */
import type pg from 'pg';

const rowsPerTransaction = 20_000;
/** Behind measurements of 30,000 rows/s, with Postgres and the connector on the same cores. */
const plannedRate = 8000;

export const plannedLength_ms = (rows: number): number => 5000 + (rows / plannedRate) * 1000;

/** Users and transactions are numbered from 0. */
export async function preload(db: pg.Pool, keys: number, windowStarts_ms: readonly number[]): Promise<void> {
  for (const [w, windowStart_ms] of windowStarts_ms.entries()) {
    for (let from = 0; from < keys; from += rowsPerTransaction) {
      const to = Math.min(keys, from + rowsPerTransaction) - 1;
      await db.query(
        `insert into public.transactions
           select $1::bigint + i, i, 1, 'ok', null, to_timestamp($2) at time zone 'utc' from generate_series($3::bigint, $4) i`,
        [w * keys, windowStart_ms / 1000, from, to],
      );
    }
  }
}
