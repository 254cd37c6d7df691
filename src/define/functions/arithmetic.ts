import { describeType, type ColumnType, type Value } from '../column.ts';
import { literalValue } from '../literal.ts';
import { checkComputable, conversion, within, type Conversion } from './conversion.ts';
import { mostDigits, strict, widerDecimal, type Argument, type ScalarFunction, type Signature } from './signature.ts';
import { sqlType } from './sql-text.ts';

type Decimal = Extract<ColumnType, { kind: 'decimal' }>;

const int64: ColumnType = { kind: 'int64' };
const float64: ColumnType = { kind: 'float64' };
const numeric = ['int32', 'int64', 'float64', 'decimal'];

/** @throws RangeError when it is no number. */
export function checkNumeric(type: ColumnType, what: string): void {
  if (!numeric.includes(type.kind))
    throw new RangeError(`${what} takes numbers (int32, int64, decimal, float64), not ${describeType(type)}`);
}

/** The types of numbers. A bare literal takes that of its neighbour, and a decimal one as many digits as it has. */
function typesOf(name: string, terms: readonly Argument[]): ColumnType[] {
  const neighbour = terms.find(({ type }) => type !== null)?.type ?? null;
  if (neighbour === null) throw new RangeError(`${name} of literals alone; write the number itself`);
  return terms.map(({ type, literal }) => {
    const own = type ?? literalType(literal!, neighbour);
    checkNumeric(own, name);
    checkComputable(own);
    return own;
  });
}

function literalType(literal: NonNullable<Argument['literal']>, neighbour: ColumnType): ColumnType {
  if (neighbour.kind === 'int32') return int64;
  const digits = /^[+-]?(\d*)\.?(\d*)$/.exec(String(literal));
  if (neighbour.kind !== 'decimal' || typeof literal !== 'string' || digits === null) return neighbour;
  const scale = digits[2]!.length;
  const type: ColumnType = { kind: 'decimal', precision: Math.max(1, digits[1]!.length + scale), scale };
  literalValue(literal, type);
  return type;
}

/** Integers are decimals without digits behind the point. */
const asDecimal = (type: ColumnType): Decimal =>
  type.kind === 'decimal' ? type : { kind: 'decimal', precision: type.kind === 'int32' ? 10 : 19, scale: 0 };

/** Digits that 64 bits hold. */
const longDigits = 18;

interface Operation {
  readonly integers: (a: bigint, b: bigint) => bigint | null;
  readonly doubles: (a: number, b: number) => number | null;
  readonly decimals: (a: Decimal, b: Decimal) => { readonly parameters: [Decimal, Decimal]; readonly type: Decimal };
  readonly sql: (a: string, b: string) => string;
}

function binary(name: string, operation: Operation): ScalarFunction {
  return (terms) => {
    const [a, b] = typesOf(name, terms) as [ColumnType, ColumnType];
    if (a.kind === 'float64' || b.kind === 'float64') {
      const sql = ([x, y]: readonly string[]): string => `(${operation.sql(x!, y!)})`;
      return { parameters: [float64, float64], type: float64, compile: strict(operation.doubles), sql };
    }
    if (a.kind === 'decimal' || b.kind === 'decimal') return decimals(operation, asDecimal(a), asDecimal(b));
    const compute = (x: bigint, y: bigint): bigint | null => asInt64(operation.integers(x, y));
    // A product of two of 64 bits fits into 128.
    const sql = ([x, y]: readonly string[]): string =>
      `TRY_CAST(${operation.sql(`CAST(${x} AS HUGEINT)`, `CAST(${y} AS HUGEINT)`)} AS BIGINT)`;
    return { parameters: [int64, int64], type: int64, compile: strict(compute), sql };
  };
}

function decimals({ integers, decimals: typesFor, sql }: Operation, a: Decimal, b: Decimal): Signature {
  const { parameters: exact, type } = typesFor(a, b);
  // DuckDB computes with 64 bits, and finds them too few, unless an operand has more.
  const parameters = type.precision <= longDigits ? exact : exact.map((each) => ({ ...each, precision: mostDigits }));
  const limit = 10n ** BigInt(type.precision);
  const compute = (x: bigint, y: bigint): bigint | null => {
    const value = integers(x, y);
    return value === null ? null : within(value, limit);
  };
  return {
    parameters,
    type,
    compile: strict(compute),
    sql: ([x, y]) => `TRY(CAST(${sql(x!, y!)} AS ${sqlType(type)}))`,
  };
}

/** Null for what 64 bits cannot hold. */
function asInt64(value: bigint | null): bigint | null {
  return value !== null && BigInt.asIntN(64, value) === value ? value : null;
}

function aligned(a: Decimal, b: Decimal, carry: number): ReturnType<Operation['decimals']> {
  const wider = widerDecimal(a, b);
  const { scale } = wider;
  const lengthened = (type: Decimal): Decimal => {
    return { kind: 'decimal', precision: Math.min(mostDigits, type.precision - type.scale + scale), scale };
  };
  const precision = Math.min(mostDigits, wider.precision + carry);
  return { parameters: [lengthened(a), lengthened(b)], type: { kind: 'decimal', precision, scale } };
}

function multiplied(a: Decimal, b: Decimal): ReturnType<Operation['decimals']> {
  const scale = a.scale + b.scale;
  if (scale > mostDigits) {
    throw new RangeError(
      `the product of ${describeType(a)} and ${describeType(b)} has more than ${mostDigits} digits behind the point`,
    );
  }
  const precision = Math.min(mostDigits, a.precision + b.precision);
  return { parameters: [a, b], type: { kind: 'decimal', precision, scale } };
}

function unary(name: string, integer: (a: bigint) => bigint, double: (a: number) => number): ScalarFunction {
  const word = name === 'neg' ? '-' : 'abs';
  return (terms) => {
    const [type] = typesOf(name, terms) as [ColumnType];
    if (type.kind === 'float64')
      return { parameters: [type], type, compile: strict(double), sql: ([x]) => `${word}(${x})` };
    if (type.kind === 'decimal')
      return { parameters: [type], type, compile: strict(integer), sql: ([x]) => `${word}(${x})` };
    const compute = (x: bigint): bigint | null => asInt64(integer(x));
    const sql = ([x]: readonly string[]): string => `TRY_CAST(${word}(CAST(${x} AS HUGEINT)) AS BIGINT)`;
    return { parameters: [int64], type: int64, compile: strict(compute), sql };
  };
}

const div: ScalarFunction = (terms) => {
  const parameters = typesOf('div', terms);
  const [a, b] = parameters.map((type) => conversion(type, float64)) as [Conversion, Conversion];
  const asDouble = ({ run }: Conversion, value: NonNullable<Value>): number => (run?.(value) ?? value) as number;
  const compute = (x: NonNullable<Value>, y: NonNullable<Value>): number | null => {
    const divisor = asDouble(b, y);
    return divisor === 0 ? null : asDouble(a, x) / divisor;
  };
  const sql = ([x, y]: readonly string[]): string => `(${a.sql(x!)} / nullif(${b.sql(y!)}, 0))`;
  return { parameters, type: float64, compile: strict(compute), sql };
};

export const arithmeticFunctions: Readonly<Record<string, ScalarFunction>> = {
  add: binary('add', {
    integers: (a, b) => a + b,
    doubles: (a, b) => a + b,
    decimals: (a, b) => aligned(a, b, 1),
    sql: (a, b) => `${a} + ${b}`,
  }),
  sub: binary('sub', {
    integers: (a, b) => a - b,
    doubles: (a, b) => a - b,
    decimals: (a, b) => aligned(a, b, 1),
    sql: (a, b) => `${a} - ${b}`,
  }),
  mul: binary('mul', {
    integers: (a, b) => a * b,
    doubles: (a, b) => a * b,
    decimals: multiplied,
    sql: (a, b) => `${a} * ${b}`,
  }),
  mod: binary('mod', {
    integers: (a, b) => (b === 0n ? null : a % b),
    doubles: (a, b) => (b === 0 ? null : a % b),
    decimals: (a, b) => aligned(a, b, 0),
    sql: (a, b) => `${a} % nullif(${b}, 0)`,
  }),
  neg: unary(
    'neg',
    (a) => -a,
    (a) => -a,
  ),
  abs: unary('abs', (a) => (a < 0n ? -a : a), Math.abs),
  div,
};
