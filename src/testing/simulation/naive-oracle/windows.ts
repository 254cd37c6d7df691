/** Which rows a window holds at T: the comparable SQL, spelled out. */
import { byTime, eventTime_us } from './order.ts';
import type { OracleRow, TableSpec, WindowSpec } from './spec.ts';

/** The last multiple that is not above the time, without a quotient that could be rounded. */
const floorTo = (time_us: number, unit_us: number): number => time_us - (((time_us % unit_us) + unit_us) % unit_us);

/** @param rows the live rows of a key. */
export function rowsAt(window: WindowSpec, table: TableSpec, rows: readonly OracleRow[], asOf_us: number): OracleRow[] {
  const reached = rows.filter((row) => eventTime_us(table, row) <= asOf_us);
  const between = (from_us: number, to_us: number): OracleRow[] =>
    reached.filter((row) => eventTime_us(table, row) >= from_us && eventTime_us(table, row) < to_us);
  switch (window.kind) {
    case 'tumbling':
      return between(floorTo(asOf_us, window.size_us), Infinity);
    case 'hopping': {
      const end_us = floorTo(asOf_us, window.hop_us) + window.hop_us;
      return between(end_us - window.size_us, end_us);
    }
    case 'sliding':
      return between(floorTo(asOf_us - window.size_us + 1, window.resolution_us), Infinity);
    case 'session':
      return runsOf(table, reached, window.gap_us).find((run) => holds(run, table, window.gap_us, asOf_us)) ?? [];
    case 'unbounded':
      return reached;
  }
}

/** Rows in the order of time, in runs: each row less than the gap after the one before. */
export function runsOf(table: TableSpec, rows: readonly OracleRow[], gap_us: number): OracleRow[][] {
  const runs: OracleRow[][] = [];
  for (const row of byTime(table, rows)) {
    const last = runs.at(-1)?.at(-1);
    if (last !== undefined && eventTime_us(table, row) - eventTime_us(table, last) < gap_us) runs.at(-1)!.push(row);
    else runs.push([row]);
  }
  return runs;
}

function holds(run: readonly OracleRow[], table: TableSpec, gap_us: number, asOf_us: number): boolean {
  return eventTime_us(table, run[0]!) <= asOf_us && asOf_us < eventTime_us(table, run.at(-1)!) + gap_us;
}
