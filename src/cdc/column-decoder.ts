/** Takes one column's value from an envelope, by its type and the connector's encoding. */
import type { ColumnType, Value } from '../define/column.ts';
import type { ColumnPlan } from '../define/plan.ts';
import type { Encoding } from '../define/table.ts';
import { formatDecimal, infinity_us, minusInfinity_us, parseDecimal } from '../define/value.ts';
import { RecordError } from '../errors.ts';
import type { JsonCursor } from './json-cursor.ts';

export type ColumnDecoder = (cursor: JsonCursor) => Value;

/** What was found does not fit; the caller adds the field and turns it into a {@link RecordError}. */
export class Misfit extends Error {}

const quote = 0x22;
const brace = 0x7b;

/** The largest scale that Postgres knows. */
const scaleLimit = 16_383;

/** How Debezium writes Postgres' infinite timestamps, microseconds. */
const postgresInfinity_us = 9223372036825200000n;
const postgresMinusInfinity_us = -9223372036832400000n;

/** The decoder of a column. Its errors name the column as `<image>.<name>` through {@link fieldError}. */
export function columnDecoder(column: ColumnPlan, encoding: Encoding): ColumnDecoder {
  const decode = typeDecoder(column.type, encoding);
  return (cursor) => {
    if (!cursor.takeNull()) return decode(cursor);
    if (!column.nullable) throw new Misfit('is null, but the column is not declared nullable; declare it .nullable()');
    return null;
  };
}

export function fieldError(field: string, error: Misfit | RangeError): RecordError {
  return new RecordError('record-undecodable', `field ${field} ${error.message}`, { cause: error });
}

function typeDecoder(type: ColumnType, encoding: Encoding): ColumnDecoder {
  switch (type.kind) {
    case 'int64':
      return (cursor) => integer(cursor, 'int64');
    case 'int32':
      return int32;
    case 'float64':
      return float64;
    case 'boolean':
      return (cursor) => {
        const code = cursor.peek();
        if (code !== 0x74 && code !== 0x66) throw found(cursor, 'boolean');
        return cursor.boolean();
      };
    case 'text':
      return (cursor) => {
        if (cursor.peek() !== quote) throw found(cursor, 'text');
        return cursor.string();
      };
    case 'decimal':
      return decimalDecoder(type.precision, type.scale, encoding.decimals);
    case 'date':
      return date;
    case 'timestamptz':
      return (cursor) => isoTimestamp(cursor, 'timestamptz');
    case 'timestamp':
      return timestampDecoder(type.precision, encoding.times);
  }
}

function found(cursor: JsonCursor, declared: string, hint = 'declare the type that the database has'): Misfit {
  const code = cursor.peek();
  const what =
    code === quote
      ? 'a string'
      : code === brace
        ? 'an object'
        : code === 0x5b
          ? 'an array'
          : code === 0x74 || code === 0x66
            ? 'a boolean'
            : 'a number';
  return new Misfit(`is declared ${declared}, but the record has ${what}; ${hint}`);
}

function digits(cursor: JsonCursor, declared: string, hint?: string): string {
  const code = cursor.peek();
  if (code !== 0x2d && !(code >= 0x30 && code <= 0x39)) throw found(cursor, declared, hint);
  return cursor.number();
}

function wholeNumber(text: string, declared: string): bigint {
  if (!/^-?\d+$/.test(text)) throw new Misfit(`is declared ${declared}, but the record has ${text}`);
  return BigInt(text);
}

function integer(cursor: JsonCursor, declared: string, hint?: string): bigint {
  const value = wholeNumber(digits(cursor, declared, hint), declared);
  if (value !== BigInt.asIntN(64, value))
    throw new Misfit(`is declared ${declared}, but ${value} has more than 64 bits`);
  return value;
}

function int32(cursor: JsonCursor): Value {
  const value = Number(wholeNumber(digits(cursor, 'int32'), 'int32'));
  if (value !== (value | 0)) throw new Misfit(`is declared int32, but ${value} has more than 32 bits; declare int64`);
  return value;
}

function float64(cursor: JsonCursor): Value {
  if (cursor.peek() !== quote) {
    const value = Number(digits(cursor, 'float64'));
    if (Number.isNaN(value)) throw new Misfit('is declared float64, but is not a number');
    // One form for both zeros, as SQL compares them: what was inserted as −0 must be found as 0.
    return value + 0;
  }
  const text = cursor.string();
  if (text !== 'NaN' && text !== 'Infinity' && text !== '-Infinity')
    throw new Misfit(`is declared float64, but the record has "${text}"`);
  return Number(text);
}

function date(cursor: JsonCursor): Value {
  if (cursor.peek() !== quote) return int32(cursor);
  const text = cursor.string();
  const match = /^([+-]?\d{4,})-(\d\d)-(\d\d)Z?$/.exec(text);
  if (match === null) throw new Misfit(`is declared date, but the record has "${text}"`);
  const days = daysOf(Number(match[1]), Number(match[2]), Number(match[3]));
  if (days !== (days | 0)) throw new Misfit(`is declared date, but "${text}" is further away than 32 bits of days`);
  return days;
}

/**
 * Days since 1970-01-01 in the proleptic Gregorian calendar, for years that JavaScript's Date does not reach.
 * Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", days_from_civil.
 */
function daysOf(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

const decimalHint = (mode: Encoding['decimals']): string =>
  `the connector's decimal.handling.mode is not '${mode}', as debezium({ decimals }) says`;

function decimalDecoder(precision: number, scale: number, mode: Encoding['decimals']): ColumnDecoder {
  const limit = 10n ** BigInt(precision);
  return (cursor) => {
    const value = decimal(cursor, scale, mode);
    if (value < limit && -value < limit) return value;
    throw new Misfit(
      `is declared decimal(${precision}, ${scale}), but ${formatDecimal(value, scale)} has more than ${precision} digits; ` +
        'declare the precision that the database has',
    );
  };
}

function decimal(cursor: JsonCursor, scale: number, mode: Encoding['decimals']): bigint {
  const code = cursor.peek();
  if (mode === 'double') return rounded(digits(cursor, 'decimal', decimalHint(mode)), scale);
  if (mode === 'string') {
    if (code !== quote) throw found(cursor, 'decimal', decimalHint(mode));
    return exact(cursor.string(), scale, mode);
  }
  if (code === brace) return variableScale(cursor, scale);
  if (code !== quote) throw found(cursor, 'decimal', decimalHint(mode));
  return fromBase64(cursor.string(), mode);
}

function exact(text: string, scale: number, mode: Encoding['decimals']): bigint {
  try {
    return parseDecimal(text, scale);
  } catch (error) {
    throw new Misfit(
      `is declared decimal with scale ${scale}: ${(error as RangeError).message}; declare the scale that the database has, or ${decimalHint(mode)}`,
    );
  }
}

/** A double carries at most 17 digits: what it means is its shortest text, rounded to the scale. */
function rounded(text: string, scale: number): bigint {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,3}))?$/.exec(text);
  if (match === null) throw new Misfit(`is declared decimal, but the record has ${text}`);
  const [, sign, whole, fraction = '', exponent = '0'] = match;
  const magnitude = rescaled(BigInt(whole! + fraction), fraction.length - Number(exponent), scale);
  return sign === '-' ? -magnitude : magnitude;
}

/** A scaled integer that is not negative, at another scale; half is rounded up. */
function rescaled(unscaled: bigint, from: number, to: number): bigint {
  if (to >= from) return unscaled * 10n ** BigInt(to - from);
  const divisor = 10n ** BigInt(from - to);
  return (unscaled + divisor / 2n) / divisor;
}

function fromBase64(text: string, mode: Encoding['decimals']): bigint {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length === 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(text) || text.length % 4 !== 0) {
    throw new Misfit(`is declared decimal, but "${text}" is no base64 integer; ${decimalHint(mode)}`);
  }
  if (bytes.length <= 6) return BigInt(bytes.readIntBE(0, bytes.length));
  return BigInt.asIntN(bytes.length * 8, BigInt(`0x${bytes.toString('hex')}`));
}

/** A numeric without a declared scale: `{"scale": 3, "value": "…"}`. */
function variableScale(cursor: JsonCursor, scale: number): bigint {
  let own: number | null = null as number | null;
  let unscaled = null as bigint | null;
  cursor.members([], (key) => {
    if (key === 'scale') own = Number(cursor.number());
    else if (key === 'value') unscaled = fromBase64(cursor.string(), 'precise');
    else cursor.skip();
  });
  if (own === null || unscaled === null || !Number.isInteger(own) || Math.abs(own) > scaleLimit) {
    throw new Misfit(`is declared decimal, but the record has an object without a scale and a value`);
  }
  if (own > scale && unscaled % 10n ** BigInt(own - scale) !== 0n) {
    throw new Misfit(`is declared decimal with scale ${scale}, but the value has ${own} digits behind the point`);
  }
  return unscaled < 0n ? -rescaled(-unscaled, own, scale) : rescaled(unscaled, own, scale);
}

const timeHint = (mode: Encoding['times']): string =>
  `the connector's time.precision.mode is not '${mode}', as debezium({ times }) says`;

function timestampDecoder(precision: number, mode: Encoding['times']): ColumnDecoder {
  if (mode === 'isostring') return (cursor) => isoTimestamp(cursor, 'timestamp', timeHint(mode));
  const isMillis = mode === 'connect' || (mode === 'adaptive' && precision <= 3);
  return (cursor) => {
    const value = integer(cursor, 'timestamp', timeHint(mode));
    return finiteOrInfinite(isMillis ? value * 1000n : value);
  };
}

const isoPattern = /^([+-]?\d{4,})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?Z$/;

function isoTimestamp(
  cursor: JsonCursor,
  declared: string,
  hint = 'declare timestamp() for a column without time zone',
): bigint {
  if (cursor.peek() !== quote) throw found(cursor, declared, hint);
  const text = cursor.string();
  if (text === 'infinity') return infinity_us;
  if (text === '-infinity') return minusInfinity_us;
  const match = isoPattern.exec(text);
  if (match === null) throw new Misfit(`is declared ${declared}, but the record has "${text}"; ${hint}`);
  const [, year, month, day, hour, minute, second = '0', fraction = ''] = match;
  const seconds =
    daysOf(Number(year), Number(month), Number(day)) * 86_400 +
    Number(hour) * 3600 +
    Number(minute) * 60 +
    Number(second);
  return finiteOrInfinite(BigInt(seconds) * 1_000_000n + BigInt(fraction.slice(0, 6).padEnd(6, '0')));
}

function finiteOrInfinite(us: bigint): bigint {
  if (us >= postgresInfinity_us) return infinity_us;
  return us <= postgresMinusInfinity_us ? minusInfinity_us : us;
}
