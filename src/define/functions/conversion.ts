import { describeType, type ColumnType, type Value } from '../column.ts';
import { formatDecimal } from '../value.ts';
import { mostDigits } from './signature.ts';
import { sqlType } from './sql-text.ts';

/** Of one type to another that can hold it: `run` is null for what needs none. */
export interface Conversion {
  readonly run: ((value: NonNullable<Value>) => Value) | null;
  readonly sql: (term: string) => string;
}

const same: Conversion = { run: null, sql: (term) => term };

/**
 * Integers become longer, decimals or doubles; decimals get more digits behind the point, null where they then are too long, or become doubles.
 * @throws RangeError when the one type cannot become the other.
 */
export function conversion(from: ColumnType, to: ColumnType): Conversion {
  if (sqlType(from) === sqlType(to)) return same;
  const isLonger = from.kind === 'decimal' && to.kind === 'decimal' && from.scale === to.scale;
  const run = isLonger && from.precision <= to.precision ? null : runOf(from, to);
  if (run === null && !isLonger)
    throw new RangeError(`a value of type ${describeType(from)} is no ${describeType(to)}`);
  // Lost digits are null, as TRY_CAST has it.
  return { run, sql: (term) => `${to.kind === 'decimal' ? 'TRY_CAST' : 'CAST'}(${term} AS ${sqlType(to)})` };
}

function runOf(from: ColumnType, to: ColumnType): ((value: NonNullable<Value>) => Value) | null {
  const isInteger = from.kind === 'int32' || from.kind === 'int64';
  if (to.kind === 'int64' && isInteger) return (value) => BigInt(value as number);
  if (to.kind === 'decimal' && (isInteger || (from.kind === 'decimal' && from.scale <= to.scale))) {
    const factor = 10n ** BigInt(to.scale - (from.kind === 'decimal' ? from.scale : 0));
    const limit = 10n ** BigInt(to.precision);
    return (value) => within(BigInt(value as bigint | number) * factor, limit);
  }
  if (to.kind !== 'float64') return null;
  if (isInteger) return (value) => Number(value);
  if (from.kind !== 'decimal') return null;
  checkComputable(from);
  return (value) => decimalToDouble(value as bigint, from.scale);
}

/** Null for what is as large as the limit, or larger. */
export function within(value: bigint, limit: bigint): bigint | null {
  return value < limit && -value < limit ? value : null;
}

/** @throws RangeError for a decimal that SQL has no type for. */
export function checkComputable(type: ColumnType): void {
  if (type.kind === 'decimal' && type.precision > mostDigits)
    throw new RangeError(`${describeType(type)} has more than ${mostDigits} digits and cannot be computed with`);
}

/** Powers of ten up to here are doubles, and the quotient of two doubles is rounded right. */
const exactPowers = 22;

/** The nearest double. */
function decimalToDouble(unscaled: bigint, scale: number): number {
  const double = Number(unscaled);
  if (scale <= exactPowers && Number.isSafeInteger(double)) return double / 10 ** scale;
  return Number(formatDecimal(unscaled, scale));
}
