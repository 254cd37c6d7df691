/** A stream of Debezium envelopes as facts of a shop: Zipf-distributed users, disorder, updates and deletes. Seeded. */
import { zipf } from '../test/support/engine-load.ts';
import { random } from '../test/support/transactions-load.ts';

export interface PreloadOptions {
  readonly rows: number;
  readonly users: number;
  /** Of all changes, the share that are updates, and the share that are deletes. */
  readonly updates: number;
  readonly deletes: number;
  /** Commit time of the first row. */
  readonly start_us?: number;
  /** Between two commits. */
  readonly perRow_us?: number;
}

export interface Transaction {
  readonly transaction_id: number;
  readonly user_id: number;
  readonly amount: string;
  readonly status: string;
  readonly location: string;
  readonly transaction_time: number;
}

/** As 1,000 rows/s would; rows are up to 2 s late. */
const defaultPerRow_us = 1000;
const disorder_us = 2_000_000;
const defaultStart_us = Date.UTC(2026, 0, 1) * 1000;
const remembered = 10_000;

export interface Change {
  /** The primary key, which decides the partition. */
  readonly id: number;
  readonly before: Transaction | null;
  readonly after: Transaction | null;
  readonly value: Buffer;
}

/** Yields the change events in commit order. */
export function* envelopes(options: PreloadOptions): Generator<Change> {
  const { start_us = defaultStart_us, perRow_us = defaultPerRow_us } = options;
  const next = random(42);
  const user = zipf(options.users, next);
  const live: Transaction[] = [];
  for (let i = 0; i < options.rows; i++) {
    const commit_us = start_us + i * perRow_us;
    const row = (id: number): Transaction => ({
      transaction_id: id,
      user_id: user(),
      amount: (next() * 500).toFixed(2),
      status: next() < 0.95 ? 'ok' : 'failed',
      location: `place ${Math.floor(next() * 100)}`,
      transaction_time: commit_us - Math.floor(next() * disorder_us),
    });
    const kind = next();
    const at = Math.floor(next() * live.length);
    const before = kind < options.updates + options.deletes ? (live[at] ?? null) : null;
    const after = before !== null && kind >= options.updates ? null : row(before?.transaction_id ?? i);
    if (after === null) live.splice(at, 1);
    else if (before !== null) live[at] = after;
    else if (live.length < remembered) live.push(after);
    else live[at] = after;
    const id = (after ?? before)!.transaction_id;
    yield { id, before, after, value: Buffer.from(envelope(before, after, i, commit_us)) };
  }
}

/** What the Postgres connector writes without schemas; about 620 bytes. */
export function envelope(before: Transaction | null, after: Transaction | null, i: number, commit_us: number): string {
  const op = after === null ? 'd' : before === null ? 'c' : 'u';
  const lsn = 30_000_000 + i * 100;
  const ms = Math.floor(commit_us / 1000);
  return (
    `{"before":${JSON.stringify(before)},"after":${JSON.stringify(after)},"source":{"version":"3.6.1.Final",` +
    `"connector":"postgresql","name":"bench","ts_ms":${ms},"snapshot":"false","db":"shop",` +
    `"sequence":"[\\"${lsn - 40}\\",\\"${lsn}\\"]","ts_us":${commit_us},"ts_ns":${commit_us}000,"schema":"public",` +
    `"table":"transactions","txId":${1000 + i},"lsn":${lsn},"xmin":null,"origin":null,"origin_lsn":null},` +
    `"transaction":null,"op":"${op}","ts_ms":${ms},"ts_us":${commit_us},"ts_ns":${commit_us}000}`
  );
}
