/** A recount in the plainest way: all rows in an array, the comparable SQL spelled out. Imports nothing of the engine. */
export interface OracleRow {
  readonly key: string;
  readonly time_us: number;
  readonly cents: number;
  readonly status: string;
}

const windowOf = (time_us: number, size_us: number): number => Math.floor(time_us / size_us);

/** `r.et <= T AND r.et // size = T // size` */
function seen(rows: readonly OracleRow[], key: string, asOf_us: number, size_us: number): OracleRow[] {
  return rows.filter(
    (r) => r.key === key && r.time_us <= asOf_us && windowOf(r.time_us, size_us) === windowOf(asOf_us, size_us),
  );
}

export function expectedValues(rows: readonly OracleRow[], key: string, asOf_us: number): (bigint | null)[] {
  const five = seen(rows, key, asOf_us, 300_000_000);
  const ok = seen(rows, key, asOf_us, 60_000_000).filter((r) => r.status === 'ok');
  return [
    BigInt(five.length),
    five.length === 0 ? null : BigInt(Math.max(...five.map((r) => r.time_us))),
    ok.length === 0 ? null : BigInt(Math.min(...ok.map((r) => r.cents))),
  ];
}
