/** Values of the reference view as texts, so that those of Redis, of the feature log and of Parquet can be compared. */
import type { OnlineValue } from './reference-comparison.ts';

export function textOf({ count, last, asOf_us, visibleAt_us }: OnlineValue): string {
  const last_us = last === null ? '' : Date.parse(last) * 1000;
  return [count, last_us, asOf_us, visibleAt_us].join(' ');
}

/** Per user the row of the newest position, as {@link textOf} writes it. */
export function newestPerUser(rows: readonly string[]): Map<number, string> {
  const newest = new Map<number, { position: number; text: string }>();
  for (const row of rows) {
    const [, position, user, ...rest] = row.split(' ');
    const known = newest.get(Number(user));
    if (known !== undefined && known.position >= Number(position)) continue;
    newest.set(Number(user), { position: Number(position), text: rest.join(' ') });
  }
  return new Map([...newest].map(([user, { text }]) => [user, text] as const).sort(([a], [b]) => a - b));
}
