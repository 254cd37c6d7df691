/** Compiles expression trees into functions over rows. */
import { parseDecimal } from './value.ts';
import type { ColumnType, Value } from './column.ts';
import type { Comparison, ExpressionNode } from './expression.ts';
import type { ColumnPlan, Row } from './plan.ts';

export type Evaluate = (row: Row) => Value;

/**
 * A literal in the runtime form of the column that it is compared with.
 * @throws RangeError when it has none.
 */
export function literalValue(value: bigint | number | string | boolean, type: ColumnType): Value {
  const refuse = (): never => {
    throw new RangeError(
      `${JSON.stringify(typeof value === 'bigint' ? `${value}` : value)} is not a literal of type ${type.kind}`,
    );
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

const holds: Readonly<Record<Comparison, (order: number) => boolean>> = {
  eq: (order) => order === 0,
  ne: (order) => order !== 0,
  lt: (order) => order < 0,
  le: (order) => order <= 0,
  gt: (order) => order > 0,
  ge: (order) => order >= 0,
};

/** The order of two values of one type: text by code point, as the C collation has it. NaN is equal to itself and above all, as in Postgres. */
export function compareValues(left: NonNullable<Value>, right: NonNullable<Value>): number {
  if (typeof left === 'string') return compareText(left, right as string);
  if (left === right) return 0;
  if (left !== left || right !== right) return left !== left ? (right !== right ? 0 : 1) : -1;
  return left < right ? -1 : left > right ? 1 : 0;
}

/** UTF-16 order differs from code-point order only where a surrogate meets a unit above the surrogates. */
function compareText(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let i = 0; i < length; i++) {
    const a = left.charCodeAt(i);
    const b = right.charCodeAt(i);
    if (a !== b) return codePointRank(a) - codePointRank(b);
  }
  return left.length - right.length;
}

function codePointRank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}

/** @throws RangeError when a column does not exist or types do not fit; the message is the fault without its path. */
export function compileExpression(node: ExpressionNode, columns: readonly ColumnPlan[]): Evaluate {
  switch (node.op) {
    case 'column': {
      const index = columnIndex(node.name, columns);
      return (row) => row[index]!;
    }
    case 'literal':
      return () => node.value;
    case 'and':
    case 'or':
      return connective(
        node.op === 'or',
        node.terms.map((term) => condition(term, columns)),
      );
    case 'not': {
      const term = condition(node.term, columns);
      return (row) => {
        const value = term(row);
        return value === null ? null : !(value as boolean);
      };
    }
    case 'isNull': {
      const term = compileExpression(node.term, columns);
      return (row) => term(row) === null;
    }
    default:
      return comparison(node, columns);
  }
}

function condition(node: ExpressionNode, columns: readonly ColumnPlan[]): Evaluate {
  const type = node.op === 'literal' ? typeof node.value : typeOf(node, columns)!.kind;
  if (type !== 'boolean') throw new RangeError(`a term of and, or, not is ${type}, not a condition`);
  return compileExpression(node, columns);
}

/** The inputs whose columns an expression reads, as `from` named them. */
export function inputsRead(node: ExpressionNode): string[] {
  switch (node.op) {
    case 'column':
      return [node.input];
    case 'literal':
      return [];
    case 'and':
    case 'or':
      return node.terms.flatMap(inputsRead);
    case 'not':
    case 'isNull':
      return inputsRead(node.term);
    default:
      return [...inputsRead(node.left), ...inputsRead(node.right)];
  }
}

function columnIndex(name: string, columns: readonly ColumnPlan[]): number {
  const index = columns.findIndex((column) => column.name === name);
  if (index === -1)
    throw new RangeError(`no column "${name}"; the table declares ${columns.map((c) => c.name).join(', ')}`);
  return index;
}

/** SQL's three values: the deciding value wins, else null if any term is null. */
function connective(decisive: boolean, terms: readonly Evaluate[]): Evaluate {
  return (row) => {
    let result: Value = !decisive;
    for (const term of terms) {
      const value = term(row);
      if (value === decisive) return decisive;
      if (value === null) result = null;
    }
    return result;
  };
}

function comparison(node: Extract<ExpressionNode, { left: ExpressionNode }>, columns: readonly ColumnPlan[]): Evaluate {
  const test = holds[node.op];
  const type = typeOf(node.left, columns) ?? typeOf(node.right, columns);
  const left = operand(node.left, type, columns);
  const right = operand(node.right, type, columns);
  return (row) => {
    const a = left(row);
    const b = right(row);
    return a === null || b === null ? null : test(compareValues(a, b));
  };
}

function operand(node: ExpressionNode, type: ColumnType | null, columns: readonly ColumnPlan[]): Evaluate {
  if (node.op === 'literal' && type !== null) {
    const value = literalValue(node.value, type);
    return () => value;
  }
  const own = typeOf(node, columns);
  if (type !== null && own !== null && !comparable(own, type)) {
    throw new RangeError(`a value of type ${describe(type)} cannot be compared with one of type ${describe(own)}`);
  }
  return compileExpression(node, columns);
}

/** The runtime forms agree: same kind, and for decimals the same scale. */
function comparable(a: ColumnType, b: ColumnType): boolean {
  if (a.kind === 'decimal' && b.kind === 'decimal') return a.scale === b.scale;
  return a.kind === b.kind;
}

function describe(type: ColumnType): string {
  return type.kind === 'decimal' ? `decimal(${type.precision}, ${type.scale})` : type.kind;
}

/** Null for a bare literal: it takes the type of its other side. */
export function typeOf(node: ExpressionNode, columns: readonly ColumnPlan[]): ColumnType | null {
  if (node.op === 'column') return columns[columnIndex(node.name, columns)]!.type;
  return node.op === 'literal' ? null : { kind: 'boolean' };
}
