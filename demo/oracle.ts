/**
 * The recount: what every feature must be, from the list of changes alone. It is written another way than the engine, keeps no
 * state between answers and imports nothing of it: a plain fold to the rows that are left, then the SQL of the two features:
 *
 *     SELECT count(*), max(transaction_time) FROM transactions
 *      WHERE user_id = :user AND transaction_time <= :T AND transaction_time // size = :T // size
 */

/** What the recount needs of a row. */
export interface RowImage {
  readonly transaction_id: number;
  readonly user_id: number;
  /** Microseconds since 1970. */
  readonly transaction_time: number;
}

/** One change, in commit order: the row as it is afterwards, or the row that went. */
export interface TruthEvent {
  readonly op: 'c' | 'u' | 'd';
  readonly row: RowImage;
}

export const knownFeatures = ['transaction_count_last_5_min', 'last_update_time'] as const;
export type KnownFeature = (typeof knownFeatures)[number];

/** As stored: text, null for an absent field. */
export interface Expected {
  readonly transaction_count_last_5_min: string;
  readonly last_update_time: string | null;
}

export interface Recount {
  /** Everyone who ever had a row. */
  readonly users: readonly number[];
  /** The features of a user as of T. */
  at(user: number, asOf_us: number): Expected;
  /** The same if no old image had ever been taken out: every inserted or updated row counts, for good. */
  withoutRetraction(user: number, asOf_us: number): Expected;
}

export const windowSize_us = 5 * 60 * 1_000_000;

export const isEmpty = (feature: KnownFeature, value: string | null): boolean =>
  feature === 'transaction_count_last_5_min' ? value === '0' : value === null;

export function recount(truth: readonly TruthEvent[]): Recount {
  const live = new Map<number, RowImage>();
  const everCounted = new Map<number, number[]>();
  for (const { op, row } of truth) {
    if (op === 'd') live.delete(row.transaction_id);
    else {
      live.set(row.transaction_id, row);
      timesOf(everCounted, row.user_id).push(row.transaction_time);
    }
  }
  const left = new Map<number, number[]>();
  for (const row of live.values()) timesOf(left, row.user_id).push(row.transaction_time);
  return {
    users: [...everCounted.keys()].sort((a, b) => a - b),
    at: (user, asOf_us) => select(left.get(user) ?? [], asOf_us),
    withoutRetraction: (user, asOf_us) => select(everCounted.get(user) ?? [], asOf_us),
  };
}

function timesOf(byUser: Map<number, number[]>, user: number): number[] {
  const times = byUser.get(user) ?? [];
  if (times.length === 0) byUser.set(user, times);
  return times;
}

function select(times: readonly number[], asOf_us: number): Expected {
  const window = Math.floor(asOf_us / windowSize_us);
  let rows = 0;
  let newest_us: number | null = null;
  for (const time_us of times) {
    if (time_us > asOf_us || Math.floor(time_us / windowSize_us) !== window) continue;
    rows++;
    if (newest_us === null || time_us > newest_us) newest_us = time_us;
  }
  return { transaction_count_last_5_min: String(rows), last_update_time: newest_us === null ? null : iso(newest_us) };
}

/** `2026-01-02T03:04:05.123456Z` */
export function iso(time_us: number): string {
  const micros = String(time_us % 1000).padStart(3, '0');
  return new Date(Math.floor(time_us / 1000)).toISOString().replace('Z', `${micros}Z`);
}
