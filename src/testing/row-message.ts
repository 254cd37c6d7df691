/** Plain rows as the messages that Debezium would send for them, in the table's own encoding. */
import type { ColumnType, Scalar } from '../define/column.ts';
import { literalValue, type LiteralValue } from '../define/literal.ts';
import type { Encoding, Table } from '../define/table.ts';
import { formatTimestamp, formatValue } from '../define/value.ts';

/** Cells in their runtime form, in the order of the columns. */
export type Cells = Readonly<Record<string, Scalar | null>>;

/** @throws RangeError when the row has a column that the table does not declare, lacks one, or a value does not fit. */
export function cellsOf(table: Table, row: Readonly<Record<string, unknown>>): Cells {
  const unknown = Object.keys(row).find((name) => !(name in table.columns));
  if (unknown !== undefined) throw new RangeError(`table ${table.name} declares no column "${unknown}"`);
  return Object.fromEntries(
    Object.entries(table.columns).map(([name, column]): [string, Scalar | null] => {
      const value = (row[name] ?? null) as LiteralValue | null;
      if (value === null && !column.isNullable) throw new RangeError(`${table.name}.${name} is not nullable`);
      return [name, value === null ? null : literalValue(value, column.type)];
    }),
  );
}

export interface RowMessage {
  readonly operation: 'c' | 'u' | 'd';
  readonly before: Cells | null;
  readonly after: Cells | null;
  readonly commit_us: number;
  /** The row's place in the database's log. */
  readonly sequence: number;
}

export function rowMessage(table: Table, { operation, before, after, commit_us, sequence }: RowMessage): Buffer {
  const commit_ms = Math.floor(commit_us / 1000);
  return Buffer.from(
    `{"before":${rowText(table, before)},"after":${rowText(table, after)},"source":{"version":"3.6.1.Final",` +
      `"connector":"postgresql","ts_ms":${commit_ms},"ts_us":${commit_us},"ts_ns":${commit_us}000,"snapshot":"false",` +
      `"sequence":"[null,\\"${sequence}\\"]","lsn":${sequence}},"transaction":null,"op":"${operation}","ts_ms":${commit_ms}}`,
  );
}

function rowText(table: Table, cells: Cells | null): string {
  if (cells === null) return 'null';
  const members = Object.entries(table.columns).map(
    ([name, { type }]) => `${JSON.stringify(name)}:${cellText(type, cells[name]!, table.encoding)}`,
  );
  return `{${members.join(',')}}`;
}

function cellText(type: ColumnType, value: Scalar | null, { decimals, times }: Encoding): string {
  if (value === null) return 'null';
  switch (type.kind) {
    case 'decimal':
      if (decimals === 'precise') return JSON.stringify(base64(value as bigint));
      return decimals === 'string' ? JSON.stringify(formatValue(type, value)) : formatValue(type, value)!;
    case 'float64':
      return Number.isFinite(value) ? JSON.stringify(value) : `"${value}"`;
    case 'timestamptz':
      return JSON.stringify(formatTimestamp(value as bigint));
    case 'timestamp':
      if (times === 'isostring') return JSON.stringify(formatTimestamp(value as bigint));
      return String(isMillis(type.precision, times) ? (value as bigint) / 1000n : value);
    case 'date':
      return times === 'isostring' ? JSON.stringify(`${formatValue(type, value)!}Z`) : String(value);
    case 'text':
      return JSON.stringify(value);
    default:
      return String(value);
  }
}

const isMillis = (precision: number, times: Encoding['times']): boolean =>
  times === 'connect' || (times === 'adaptive' && precision <= 3);

/** The fewest bytes of two's complement, the highest first. */
function base64(value: bigint): string {
  let bits = 8;
  while (value !== BigInt.asIntN(bits, value)) bits += 8;
  const digits = BigInt.asUintN(bits, value)
    .toString(16)
    .padStart(bits / 4, '0');
  return Buffer.from(digits, 'hex').toString('base64');
}
