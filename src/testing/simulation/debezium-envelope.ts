/**
 * Debezium's JSON as the Postgres connector 3.6 writes it (JsonConverter without schemas, decimals as strings, times in
 * microseconds). Written as text: `ts_ns` and ids may be beyond what a JavaScript number holds.
 */
import type { Field, Fields, SimulatedTable } from './simulated-database.ts';

/** What of a record never changes, however often it is sent. */
export interface EnvelopeSource {
  readonly prefix: string;
  readonly table: SimulatedTable;
  readonly operation: 'r' | 'c' | 'u' | 'd';
  readonly before: Fields | null;
  readonly after: Fields | null;
  readonly txId: number;
  readonly commit_us: number;
  readonly lsn: bigint;
  readonly previousCommit: bigint | null;
  readonly snapshot: SnapshotMarker | 'false';
}

export type SnapshotMarker = 'first' | 'first_in_data_collection' | 'true' | 'last_in_data_collection' | 'last';

/** Everything but the instant at which the connector handled it: that alone differs when it sends a record again. */
export function envelopeHead(source: EnvelopeSource): string {
  const { prefix, table, operation, before, after, txId, commit_us, lsn, previousCommit, snapshot } = source;
  const [schema, name] = table.name.split('.');
  const previous = previousCommit === null ? 'null' : `\\"${previousCommit}\\"`;
  return (
    `{"before":${rowText(before, table)},"after":${rowText(after, table)},` +
    `"source":{"version":"3.6.1.Final","connector":"postgresql","name":"${prefix}",` +
    `"ts_ms":${Math.floor(commit_us / 1000)},"snapshot":"${snapshot}","db":"simulated",` +
    `"sequence":"[${previous},\\"${lsn}\\"]","ts_us":${commit_us},"ts_ns":${commit_us}000,` +
    `"schema":"${schema!}","table":"${name!}","txId":${txId},"lsn":${lsn},"xmin":null,"origin":null,"origin_lsn":null},` +
    `"transaction":null,"op":"${operation}"`
  );
}

export function envelopeBytes(head: string, handled_ms: number): Uint8Array {
  return Buffer.from(`${head},"ts_ms":${handled_ms},"ts_us":${handled_ms}000,"ts_ns":${handled_ms}000000}`);
}

export function keyBytes(table: SimulatedTable, primaryKey: bigint): Uint8Array {
  return Buffer.from(`{"${table.primaryKey}":${primaryKey}}`);
}

function rowText(row: Fields | null, table: SimulatedTable): string {
  if (row === null) return 'null';
  const members = Object.entries(row).map(
    ([name, value]) => `"${name}":${fieldText(value, table.timestamptz.includes(name))}`,
  );
  return `{${members.join(',')}}`;
}

function fieldText(value: Field, isTimestamptz: boolean): string {
  if (typeof value === 'bigint') return value.toString();
  return JSON.stringify(isTimestamptz && value !== null ? iso(value as number) : value);
}

/** `2026-01-02T03:04:05.123456Z` */
function iso(time_us: number): string {
  const micros = String(time_us % 1000).padStart(3, '0');
  return new Date(Math.floor(time_us / 1000)).toISOString().replace('Z', `${micros}Z`);
}
