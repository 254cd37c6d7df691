/** Names, types and literals in DuckDB's SQL. Postgres reads most of it too. */
import type { ColumnType, Scalar, ValueType } from '../column.ts';
import { formatDecimal, formatTimestamp, formatValue, isInfinite_us } from '../value.ts';

export const quoteName = (name: string): string => `"${name.replaceAll('"', '""')}"`;

const quoteText = (text: string): string => `'${text.replaceAll("'", "''")}'`;

const names = {
  int32: 'INTEGER',
  int64: 'BIGINT',
  float64: 'DOUBLE',
  text: 'VARCHAR',
  boolean: 'BOOLEAN',
  timestamp: 'TIMESTAMP',
  timestamptz: 'TIMESTAMP',
  date: 'DATE',
} as const;

export function sqlType(type: ValueType): string {
  if (type.kind === 'list') return `${sqlType(type.element)}[]`;
  return type.kind === 'decimal' ? `DECIMAL(${type.precision}, ${type.scale})` : names[type.kind];
}

/** A value in its runtime form. */
export function sqlLiteral(value: Scalar, type: ColumnType): string {
  switch (type.kind) {
    case 'text':
      return quoteText(value as string);
    case 'boolean':
      return value === true ? 'TRUE' : 'FALSE';
    case 'timestamp':
    case 'timestamptz':
      if (isInfinite_us(value as bigint)) return `CAST('${formatTimestamp(value as bigint)}' AS TIMESTAMP)`;
      return `make_timestamp(${value})`;
    case 'date':
      return `CAST(${quoteText(formatValue(type, value)!)} AS DATE)`;
    case 'decimal':
      return `CAST(${quoteText(formatDecimal(value as bigint, type.scale))} AS ${sqlType(type)})`;
    default:
      return `CAST(${quoteText(String(value))} AS ${sqlType(type)})`;
  }
}
