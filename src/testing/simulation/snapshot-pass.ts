/** One reading of all tables by the connector, as measured: every row has the pass's log position, transaction and time. */
import type { SnapshotMarker } from './debezium-envelope.ts';
import type { Fields, SimulatedDatabase, SimulatedTable } from './simulated-database.ts';

export interface SnapshotRow {
  readonly table: SimulatedTable;
  readonly primaryKey: bigint;
  readonly row: Fields;
  readonly marker: SnapshotMarker;
}

export class SnapshotPass {
  readonly number: number;
  readonly lsn: bigint;
  readonly txId: number;
  readonly started_us: number;
  /** The first change that is streamed after it. */
  readonly streamFrom: number;
  private readonly database: SimulatedDatabase;
  private rows: readonly SnapshotRow[] | null = null;
  private next = 0;

  constructor(database: SimulatedDatabase, number: number, now_ms: number) {
    const transaction = database.begin();
    transaction.rollback();
    this.database = database;
    this.number = number;
    this.lsn = database.advance();
    this.txId = transaction.txId;
    this.started_us = now_ms * 1000;
    this.streamFrom = database.changes.length;
  }

  /** Fixes the rows at this moment. A pass that is not the first has its log position from a moment before. @returns how many. */
  read(): number {
    const tables = this.database.tables.map((table) => ({ table, rows: [...this.database.rows(table)] }));
    const total = tables.reduce((sum, { rows }) => sum + rows.length, 0);
    let index = 0;
    this.rows = tables.flatMap(({ table, rows }) =>
      rows.map(([primaryKey, row], i): SnapshotRow => {
        const place = { isFirst: index === 0 && table === tables[0]!.table, isLast: ++index === total };
        return {
          table,
          primaryKey,
          row,
          marker: markerOf({ ...place, opens: i === 0, closes: i === rows.length - 1 }),
        };
      }),
    );
    return total;
  }

  take(count: number): readonly SnapshotRow[] {
    const taken = this.rows!.slice(this.next, this.next + count);
    this.next += taken.length;
    return taken;
  }

  get isOver(): boolean {
    return this.rows !== null && this.next === this.rows.length;
  }
}

/** `last` goes to the last row of all, `first` only to a row of the first table; one marker wins. */
function markerOf(at: { isFirst: boolean; isLast: boolean; opens: boolean; closes: boolean }): SnapshotMarker {
  if (at.isLast) return 'last';
  if (at.isFirst) return 'first';
  if (at.closes) return 'last_in_data_collection';
  return at.opens ? 'first_in_data_collection' : 'true';
}
