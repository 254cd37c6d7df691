import type { ColumnType, Scalar, Value, ValueType } from './column.ts';
import { parseDecimal } from './value.ts';

/** How a definition writes a value. */
export type LiteralValue = bigint | number | string | boolean;

/**
 * A literal in the runtime form of the column that it is compared with.
 * @throws RangeError when it has none.
 */
export function literalValue(value: LiteralValue, type: ColumnType): Scalar {
  const refuse = (): never => {
    throw new RangeError(`${describeLiteral(value)} is not a literal of type ${type.kind}`);
  };
  switch (type.kind) {
    case 'int64':
      return isInt64(value) ? BigInt(value) : refuse();
    case 'int32':
      return typeof value === 'number' && value === (value | 0) ? value : refuse();
    case 'float64':
      return typeof value === 'number' ? value + 0 : refuse();
    case 'decimal':
      return typeof value === 'string' ? parseDecimalLiteral(value, type.precision, type.scale) : refuse();
    case 'text':
      return typeof value === 'string' ? value : refuse();
    case 'boolean':
      return typeof value === 'boolean' ? value : refuse();
    case 'date':
      return typeof value === 'string' && isDate(value) ? Date.parse(value) / 86_400_000 : refuse();
    case 'timestamp':
    case 'timestamptz':
      return typeof value === 'string' ? parseIsoTimestamp(value) : refuse();
  }
}

function describeLiteral(value: LiteralValue): string {
  return JSON.stringify(typeof value === 'bigint' ? `${value}` : value);
}

function isInt64(value: unknown): value is bigint | number {
  return typeof value === 'bigint' ? value === BigInt.asIntN(64, value) : Number.isSafeInteger(value);
}

function parseDecimalLiteral(text: string, precision: number, scale: number): bigint {
  const value = parseDecimal(text, scale);
  if (value < 10n ** BigInt(precision) && -value < 10n ** BigInt(precision)) return value;
  throw new RangeError(`"${text}" has more digits than decimal(${precision}, ${scale})`);
}

/** A day that the calendar has: Date.parse takes 30 February for 1 March. */
function isDate(text: string): boolean {
  if (!/^\d{4}-\d\d-\d\d$/.test(text)) return false;
  const time_ms = Date.parse(text);
  return !Number.isNaN(time_ms) && new Date(time_ms).toISOString().startsWith(text);
}

/** @throws RangeError when the text is not ISO 8601 in UTC with at most six digits of a second. */
function parseIsoTimestamp(text: string): bigint {
  const match = /^(\d{4}-\d\d-\d\d)(T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d)(?:\.(\d{1,6}))?Z$/.exec(text);
  if (match === null || !isDate(match[1]!))
    throw new RangeError(`"${text}" is not a UTC timestamp such as 2026-01-02T03:04:05.123456Z`);
  const seconds = Date.parse(`${match[1]!}${match[2]!}Z`) / 1000;
  return BigInt(seconds) * 1_000_000n + BigInt((match[3] ?? '').padEnd(6, '0'));
}

/**
 * The value of a feature as `.default(…)` writes it: of a list each element.
 * @throws RangeError when it is no value of the type.
 */
export function defaultValue(value: LiteralValue | readonly LiteralValue[], type: ValueType): NonNullable<Value> {
  if (type.kind !== 'list') {
    if (typeof value === 'object') throw new RangeError(`a list is not a literal of type ${type.kind}`);
    return literalValue(value, type);
  }
  if (!Array.isArray(value)) throw new RangeError(`${describeLiteral(value as LiteralValue)} is not a list`);
  return (value as readonly LiteralValue[]).map((element) => literalValue(element, type.element));
}
