/**
 * Which rows of a key count for its sessions. protocol: time, "Late": a row is refused when its own run is over by the data mark and
 * it touches no run that is kept; a run is kept until no row that is still taken can touch it.
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
  /** What is before it touches runs that were given up. Forgotten when no row is left that it could come to. */
  private floor_us = -Infinity;
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
    if (this.rows.length === 0) this.floor_us = -Infinity;
  }

  private take(row: OracleRow, moment: Moment): void {
    if (this.isTaken(row, moment)) this.rows = [...this.rows, row];
    else this.refused = [...this.refused, row];
  }

  private isTaken(row: OracleRow, { data_us, allowedLateness_us }: Moment): boolean {
    const time_us = eventTime_us(this.table, row);
    if (time_us < this.floor_us) return false;
    if (time_us + this.gap_us + allowedLateness_us > data_us) return true;
    return this.rows.some((other) => Math.abs(eventTime_us(this.table, other) - time_us) < this.gap_us);
  }

  private giveUp({ asOf_us, data_us, allowedLateness_us }: Moment): void {
    for (const run of runsOf(this.table, this.rows, this.gap_us)) {
      const end_us = eventTime_us(this.table, run.at(-1)!) + this.gap_us;
      if (end_us > asOf_us || end_us + this.gap_us + allowedLateness_us > data_us) return;
      this.rows = this.rows.filter((row) => !run.includes(row));
      this.refused = [...this.refused, ...run];
      this.floor_us = this.rows.length === 0 ? -Infinity : end_us;
    }
  }

  private isSame(a: OracleRow, b: OracleRow): boolean {
    return identityOf(this.table, a) === identityOf(this.table, b);
  }
}
