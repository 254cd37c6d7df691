/** Parquet files as DuckDB sees them: another implementation than the one that wrote them. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import {
  type DuckDBConnection,
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBInstance,
  DuckDBListValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  type DuckDBValue,
} from '@duckdb/node-api';

export type Cell = bigint | number | string | boolean | null | readonly Cell[];
export type Row = Readonly<Record<string, Cell>>;

let instance: DuckDBInstance | null = null;
let connection: DuckDBConnection | null = null;

async function connect(): Promise<DuckDBConnection> {
  instance ??= await DuckDBInstance.create(':memory:', { threads: '1' });
  connection ??= await instance.connect();
  return connection;
}

/** Decimals as unscaled integers, timestamps as microseconds, dates as days, lists as arrays: what Millrace holds. */
function plain(value: DuckDBValue): Cell {
  if (value instanceof DuckDBDecimalValue) return value.value;
  if (value instanceof DuckDBTimestampTZValue || value instanceof DuckDBTimestampValue) return value.micros;
  if (value instanceof DuckDBDateValue) return value.days;
  if (value instanceof DuckDBListValue) return value.items.map(plain);
  if (typeof value === 'object' && value !== null) throw new Error(`unexpected value ${value.toString()}`);
  return value;
}

/** The rows that a query gives. */
export async function query(sql: string): Promise<Row[]> {
  const reader = await (await connect()).runAndReadAll(sql);
  const names = reader.columnNames();
  return reader.getRows().map((row) => Object.fromEntries(row.map((value, i) => [names[i]!, plain(value)])));
}

export async function writeObject(path: string, body: Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, body);
}
