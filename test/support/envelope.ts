/** Debezium envelopes as the Postgres connector writes them, for tests of the ingest. 64-bit integers are written whole. */
import type { Transaction } from './shop.ts';

export interface EnvelopeOptions {
  readonly op?: 'c' | 'u' | 'd' | 'r' | 't';
  readonly before?: object | null;
  readonly after?: object | null;
  readonly commit_us?: number;
  /** The two log positions of `source.sequence`. */
  readonly sequence?: readonly [bigint | number | null, bigint | number | null];
  readonly lsn?: bigint | number;
  readonly snapshot?: string;
}

/** JSON text in which a bigint is a plain number, whatever its size. */
export function jsonText(value: unknown): string {
  if (typeof value === 'bigint') return value.toString();
  if (Array.isArray(value)) return `[${value.map(jsonText).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([name, part]) => `${JSON.stringify(name)}:${jsonText(part)}`)
    .join(',')}}`;
}

export function envelope(options: EnvelopeOptions): Buffer {
  const { op = 'c', before = null, after = null, commit_us = 1_800_000_000_000_000, snapshot = 'false' } = options;
  const [previous, own] = options.sequence ?? [null, 1];
  const position = (part: bigint | number | null): string => (part === null ? 'null' : `"${part}"`);
  const source = {
    version: '3.6.1.Final',
    connector: 'postgresql',
    ts_ms: Math.floor(commit_us / 1000),
    snapshot,
    sequence: `[${position(previous)},${position(own)}]`,
    ts_us: commit_us,
    ts_ns: BigInt(commit_us) * 1000n,
    lsn: options.lsn ?? own,
    xmin: null,
  };
  return Buffer.from(jsonText({ before, after, source, transaction: null, op, ts_ms: source.ts_ms }));
}

/** A row of `public.transactions` as an envelope has it: decimals as text, times in microseconds. */
export function transactionFields(t: Transaction): object {
  const digits = String(Math.abs(t.cents)).padStart(3, '0');
  return {
    transaction_id: t.id,
    user_id: BigInt(t.user),
    amount: `${t.cents < 0 ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`,
    status: t.status,
    location: t.location,
    transaction_time: t.time_us,
  };
}
