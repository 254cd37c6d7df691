import type { ColumnType, Scalar, Timestamp, Value, ValueType } from './column.ts';

/** Postgres' `infinity` and `-infinity`, in the form that DuckDB reads from Parquet. */
export const infinity_us = 9223372036854775807n;
export const minusInfinity_us = -9223372036854775807n;

/** How far JavaScript's Date reaches, the year 275760. */
const latestDate_us = 8_640_000_000_000_000_000n;

/** Postgres' infinities, and what is beyond all calendars here. */
export const isInfinite_us = (us: bigint): boolean => us > latestDate_us || us < -latestDate_us;

/**
 * Microseconds since 1970 as ISO 8601 in UTC, always six digits of a second.
 * @example formatTimestamp(1_714_557_600_123_456n) // '2024-05-01T10:00:00.123456Z'
 */
export function formatTimestamp(us: bigint): Timestamp | 'infinity' | '-infinity' {
  if (isInfinite_us(us)) return us > 0n ? 'infinity' : '-infinity';
  const millis = us >= 0n ? us / 1000n : -((999n - us) / 1000n);
  const micros = Number(us - millis * 1000n);
  const iso = new Date(Number(millis)).toISOString();
  return `${iso.slice(0, -1)}${String(micros).padStart(3, '0')}Z`;
}

/** A scaled integer as decimal text: `formatDecimal(1999n, 2)` is `'19.99'`. */
export function formatDecimal(unscaled: bigint, scale: number): string {
  if (scale === 0) return unscaled.toString();
  const negative = unscaled < 0n;
  const digits = (negative ? -unscaled : unscaled).toString().padStart(scale + 1, '0');
  return `${negative ? '-' : ''}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

/**
 * Decimal text as an integer scaled by 10^scale.
 * @throws RangeError when it is not a plain decimal number or has more digits behind the point than `scale`.
 */
export function parseDecimal(text: string, scale: number): bigint {
  const match = /^([+-]?)(\d*)(?:\.(\d*))?$/.exec(text);
  const whole = match?.[2] ?? '';
  const fraction = (match?.[3] ?? '').replace(/0+$/, '');
  if (match === null || whole.length + (match[3] ?? '').length === 0) {
    throw new RangeError(`"${text}" is not a decimal number`);
  }
  if (fraction.length > scale) throw new RangeError(`"${text}" has more than ${scale} digits behind the point`);
  const unscaled = BigInt(whole + fraction.padEnd(scale, '0'));
  return match[1] === '-' ? -unscaled : unscaled;
}

/** Days since 1970 as `YYYY-MM-DD`. */
function formatDate(days: number): string {
  if (Math.abs(days) > 100_000_000) return days > 0 ? 'infinity' : '-infinity';
  return new Date(days * 86_400_000).toISOString().split('T')[0]!;
}

function formatScalar(type: ColumnType, value: Scalar): string {
  switch (type.kind) {
    case 'decimal':
      return formatDecimal(value as bigint, type.scale);
    case 'timestamp':
    case 'timestamptz':
      return formatTimestamp(value as bigint);
    case 'date':
      return formatDate(value as number);
    default:
      return String(value);
  }
}

/** As JSON: numbers of any length as such, so that they survive where the reader has room; what is no JSON number as text. */
function formatElement(type: ColumnType, value: Scalar): string {
  const text = formatScalar(type, value);
  switch (type.kind) {
    case 'int32':
    case 'int64':
    case 'boolean':
      return text;
    case 'float64':
      return Number.isFinite(value) ? text : `"${text}"`;
    default:
      return JSON.stringify(text);
  }
}

/**
 * A value as text, as stored online: null stays null (field absent), a list is JSON.
 * @example formatValue({ kind: 'list', element: { kind: 'decimal', precision: 12, scale: 2 } }, [150n]) // '["1.50"]'
 */
export function formatValue(type: ValueType, value: Value): string | null {
  if (value === null) return null;
  if (type.kind !== 'list') return formatScalar(type, value as Scalar);
  return `[${(value as readonly Scalar[]).map((element) => formatElement(type.element, element)).join(',')}]`;
}

/**
 * A value as a reader in TypeScript gets it, see {@link TypeOfKind}: texts for decimals, dates and times, numbers as they are, lists of
 * such.
 */
export function readableValue(type: ValueType, value: Value): Value {
  if (value === null) return null;
  if (type.kind !== 'list') return readableScalar(type, value as Scalar);
  return (value as readonly Scalar[]).map((element) => readableScalar(type.element, element));
}

function readableScalar(type: ColumnType, value: Scalar): Scalar {
  const isNumber = type.kind === 'int32' || type.kind === 'int64' || type.kind === 'float64' || type.kind === 'boolean';
  return isNumber ? value : formatScalar(type, value);
}
