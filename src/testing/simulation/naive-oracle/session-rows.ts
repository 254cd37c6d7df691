/**
 * Which rows of a key count for its sessions. protocol: time, "Late": a row is refused when its own run is over by the data mark and
 * it touches no run that is kept, or is older than that by another gap; a run is kept until no row that is still taken can touch it.
 */
import { byTime, eventTime_us } from './order.ts';
import { identityOf } from './recount.ts';
import type { OracleRow, TableSpec } from './spec.ts';
import { runsOf } from './windows.ts';

/** What time it is for a key. */
export interface Moment {
  readonly asOf_us: number;
  readonly data_us: number;
  readonly allowedLateness_us: number;
}

export class SessionRows {
  /** Whether what was refused can still be told from what counts: not when both are of one instant. */
  isKnown = true;
  /** Rows that count. */
  rows: readonly OracleRow[] = [];
  private held: readonly OracleRow[] = [];
  /** Rows that do not count, or not any more. */
  private refused: readonly OracleRow[] = [];
  private readonly table: TableSpec;
  private readonly gap_us: number;

  constructor(table: TableSpec, gap_us: number) {
    this.table = table;
    this.gap_us = gap_us;
  }

  /** Time has come so far: runs are given up, then rows that were ahead come in. */
  advance(moment: Moment): void {
    this.giveUp(moment);
    const reached = this.held.filter((row) => eventTime_us(this.table, row) <= moment.asOf_us);
    this.held = this.held.filter((row) => !reached.includes(row));
    // They came in time, and have waited since.
    for (const row of byTime(this.table, reached)) this.take(row, { ...moment, data_us: -Infinity });
  }

  insert(row: OracleRow, moment: Moment): void {
    if (eventTime_us(this.table, row) > moment.asOf_us) this.held = [...this.held, row];
    else this.take(row, moment);
  }

  retract(row: OracleRow): void {
    const others = (rows: readonly OracleRow[]): OracleRow[] => rows.filter((other) => !this.isSame(row, other));
    const time_us = eventTime_us(this.table, row);
    const hasTwin = others(this.rows).some((other) => eventTime_us(this.table, other) === time_us);
    if (this.refused.some((other) => this.isSame(row, other)) && hasTwin) this.isKnown = false;
    [this.rows, this.held, this.refused] = [others(this.rows), others(this.held), others(this.refused)];
  }

  private take(row: OracleRow, moment: Moment): void {
    if (this.isTaken(row, moment)) this.rows = [...this.rows, row];
    else this.refused = [...this.refused, row];
  }

  private isTaken(row: OracleRow, moment: Moment): boolean {
    const time_us = eventTime_us(this.table, row);
    const age_us = closedUntil_us(moment) - time_us;
    if (age_us < this.gap_us) return true;
    if (age_us >= 2 * this.gap_us) return false;
    return this.rows.some((other) => Math.abs(eventTime_us(this.table, other) - time_us) < this.gap_us);
  }

  private giveUp(moment: Moment): void {
    for (const run of runsOf(this.table, this.rows, this.gap_us)) {
      const age_us = closedUntil_us(moment) - eventTime_us(this.table, run.at(-1)!);
      if (age_us < 3 * this.gap_us) return;
      this.rows = this.rows.filter((row) => !run.includes(row));
      this.refused = [...this.refused, ...run];
    }
  }

  private isSame(a: OracleRow, b: OracleRow): boolean {
    return identityOf(this.table, a) === identityOf(this.table, b);
  }
}

/** The data mark, as far as T has come: T may wait for windows to be given out. */
function closedUntil_us({ asOf_us, data_us, allowedLateness_us }: Moment): number {
  return Math.min(asOf_us, data_us) - allowedLateness_us;
}
