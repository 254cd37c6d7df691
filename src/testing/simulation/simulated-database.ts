/**
 * A database in memory, as far as change capture sees one: rows by primary key, transactions of several rows, and the log of what
 * was committed, each change with its place in the write-ahead log and in the order of commits.
 */
import type { Random } from './random.ts';

/** Event times are numbers, microseconds since 1970; `bigint` columns are bigint, `decimal` columns text. */
export type Field = bigint | number | string | boolean | null;
export type Fields = Readonly<Record<string, Field>>;

export interface SimulatedTable {
  /** `schema.table` */
  readonly name: string;
  readonly primaryKey: string;
  readonly eventTime: string;
  /** Columns that the connector writes as ISO 8601 text. */
  readonly timestamptz: readonly string[];
}

/** One row of one committed transaction. */
export interface Change {
  /** Place in {@link SimulatedDatabase.changes}: the order of commits, and of statements in a transaction. */
  readonly index: number;
  readonly table: SimulatedTable;
  readonly operation: 'c' | 'u' | 'd';
  readonly primaryKey: bigint;
  readonly before: Fields | null;
  readonly after: Fields | null;
  readonly txId: number;
  readonly commit_us: number;
  /** Position of the row's record in the write-ahead log. Rows of one multi-row INSERT share it. */
  readonly lsn: bigint;
  /** End of the commit before this one; null for the first. */
  readonly previousCommit: bigint | null;
}

export type Rows = ReadonlyMap<bigint, Fields>;

/** A written row that waits for the commit. */
interface Statement {
  readonly table: SimulatedTable;
  readonly primaryKey: bigint;
  readonly after: Fields | null;
  readonly lsn: bigint;
}

export class SimulatedDatabase {
  readonly tables: readonly SimulatedTable[];
  /** All that was ever committed, in the order of commits. */
  readonly changes: Change[] = [];
  private readonly committed: ReadonlyMap<SimulatedTable, Map<bigint, Fields>>;
  private readonly random: Random;
  private readonly listeners: (() => void)[] = [];
  private lsn = 33_585_184n;
  private lastTxId = 740;
  private lastCommit: bigint | null = null;
  private lastCommit_us = 0;

  constructor(tables: readonly SimulatedTable[], random: Random) {
    this.tables = tables;
    this.random = random;
    this.committed = new Map(tables.map((table) => [table, new Map<bigint, Fields>()]));
  }

  /** The committed rows. */
  rows(table: SimulatedTable): Rows {
    return this.committed.get(table)!;
  }

  /** Where the write-ahead log ends now. */
  get end(): bigint {
    return this.lsn;
  }

  begin(): Transaction {
    return new Transaction(this, ++this.lastTxId);
  }

  /** Calls after each commit that changed something. */
  onCommit(call: () => void): void {
    this.listeners.push(call);
  }

  /** For {@link Transaction}: a write takes its place in the log when it is written, not when it is committed. */
  advance(): bigint {
    this.lsn += 8n * BigInt(this.random.between(10, 40));
    return this.lsn;
  }

  /** For {@link Transaction}. */
  apply(txId: number, now_ms: number, statements: readonly Statement[]): void {
    // The clock tells whole milliseconds; commits within one stand in their order.
    const commit_us = Math.max(this.lastCommit_us, now_ms * 1000 + this.random.int(1000));
    this.lastCommit_us = commit_us;
    const { lastCommit: previousCommit } = this;
    for (const { table, primaryKey, after, lsn } of statements) {
      const rows = this.committed.get(table)!;
      const before = rows.get(primaryKey) ?? null;
      const operation = before === null ? 'c' : after === null ? 'd' : 'u';
      if (after === null) rows.delete(primaryKey);
      else rows.set(primaryKey, after);
      const { length: index } = this.changes;
      this.changes.push({
        ...{ index, table, operation, primaryKey, before, after, txId, commit_us, lsn, previousCommit },
      });
    }
    this.lastCommit = this.advance();
    if (statements.length > 0) for (const call of this.listeners) call();
  }
}

/** Rows written together. Two that are open at once must not write the same row: there are no locks here. */
export class Transaction {
  private readonly database: SimulatedDatabase;
  readonly txId: number;
  private readonly statements: Statement[] = [];
  private ended = false;

  constructor(database: SimulatedDatabase, txId: number) {
    this.database = database;
    this.txId = txId;
  }

  /** One INSERT; its rows share one place in the log. @throws RangeError when a row is there already. */
  insert(table: SimulatedTable, ...rows: readonly Fields[]): void {
    const lsn = this.database.advance();
    for (const row of rows) {
      const primaryKey = row[table.primaryKey] as bigint;
      if (this.row(table, primaryKey) !== null) throw new RangeError(`${table.name} has a row ${primaryKey} already`);
      this.statements.push({ table, primaryKey, after: row, lsn });
    }
  }

  /** @throws RangeError when there is no such row. */
  update(table: SimulatedTable, primaryKey: bigint, values: Fields): void {
    const row = this.existing(table, primaryKey);
    this.statements.push({ table, primaryKey, after: { ...row, ...values }, lsn: this.database.advance() });
  }

  /** @throws RangeError when there is no such row. */
  delete(table: SimulatedTable, primaryKey: bigint): void {
    this.existing(table, primaryKey);
    this.statements.push({ table, primaryKey, after: null, lsn: this.database.advance() });
  }

  /** The row as this transaction sees it. */
  row(table: SimulatedTable, primaryKey: bigint): Fields | null {
    const own = this.statements.findLast((other) => other.table === table && other.primaryKey === primaryKey);
    return own === undefined ? (this.database.rows(table).get(primaryKey) ?? null) : own.after;
  }

  commit(now_ms: number): void {
    this.end();
    this.database.apply(this.txId, now_ms, this.statements);
  }

  /** Nothing was written; only its places in the log are gone. */
  rollback(): void {
    this.end();
  }

  private existing(table: SimulatedTable, primaryKey: bigint): Fields {
    const row = this.row(table, primaryKey);
    if (row === null) throw new RangeError(`${table.name} has no row ${primaryKey}`);
    return row;
  }

  private end(): void {
    if (this.ended) throw new RangeError(`transaction ${this.txId} has ended`);
    this.ended = true;
  }
}
