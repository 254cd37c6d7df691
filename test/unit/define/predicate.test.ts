import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ColumnType, Value } from '../../../src/define/column.ts';
import { columnOf, type Expression } from '../../../src/define/expression.ts';
import type { ColumnPlan } from '../../../src/define/plan.ts';
import { compareValues } from '../../../src/define/compare.ts';
import { compile } from '../../../src/define/compile.ts';
import { literalValue } from '../../../src/define/literal.ts';
import { and, eq, ge, gt, isNull, le, lt, ne, not, or } from '../../../src/index.ts';

const columns: readonly ColumnPlan[] = [
  { name: 'a', type: { kind: 'boolean' }, nullable: true },
  { name: 'b', type: { kind: 'boolean' }, nullable: true },
  { name: 'n', type: { kind: 'int64' }, nullable: true },
  { name: 'm', type: { kind: 'int64' }, nullable: true },
  { name: 'price', type: { kind: 'decimal', precision: 12, scale: 2 }, nullable: true },
  { name: 'rate', type: { kind: 'decimal', precision: 12, scale: 4 }, nullable: true },
  { name: 'at', type: { kind: 'timestamp', precision: 3 }, nullable: true },
];
const column = (name: string): Expression<never> => columnOf('tx', name);
const a = column('a') as Expression<'boolean'>;
const b = column('b') as Expression<'boolean'>;
const n = column('n') as Expression<'int64'>;
const m = column('m') as Expression<'int64'>;

const evaluate = (expression: Expression, row: Readonly<Record<string, Value>>): Value =>
  compile(expression.node, { of: 'table', columns }).evaluate(columns.map(({ name }) => row[name] ?? null));

const [t, f, u] = [true, false, null];

test.each([
  // a, b, and, or: SQL:2016, 8.21.
  [t, t, t, t],
  [t, f, f, t],
  [t, u, u, t],
  [f, t, f, t],
  [f, f, f, f],
  [f, u, f, u],
  [u, t, u, t],
  [u, f, f, u],
  [u, u, u, u],
])('%s and %s is %s; or, %s', (left, right, both, either) => {
  expect(evaluate(and(a, b), { a: left, b: right })).toBe(both);
  expect(evaluate(or(a, b), { a: left, b: right })).toBe(either);
});

test('the order of the terms of and, or does not matter, nor how they are nested', () => {
  const truth = fc.constantFrom(t, f, u);
  fc.assert(
    fc.property(truth, truth, (left, right) => {
      const row = { a: left, b: right };
      expect(evaluate(and(b, a, b), row)).toBe(evaluate(and(a, and(b)), row));
      expect(evaluate(or(b, a, b), row)).toBe(evaluate(not(and(not(a), not(b))), row));
    }),
  );
});

test('and of nothing holds, or of nothing does not', () => {
  expect(evaluate(and(), {})).toBe(true);
  expect(evaluate(or(), {})).toBe(false);
});

test.each([
  [t, f],
  [f, t],
  [u, u],
])('not %s is %s', (value, negated) => {
  expect(evaluate(not(a), { a: value })).toBe(negated);
});

test('isNull is never null itself', () => {
  expect(evaluate(isNull(a), { a: null })).toBe(true);
  expect(evaluate(isNull(a), { a: false })).toBe(false);
  expect(evaluate(isNull(eq(n, 1)), { n: null })).toBe(true);
});

test.each([
  ['eq', eq, [f, t, f]],
  ['ne', ne, [t, f, t]],
  ['lt', lt, [t, f, f]],
  ['le', le, [t, t, f]],
  ['gt', gt, [f, f, t]],
  ['ge', ge, [f, t, t]],
] as const)('%s of a smaller, an equal, a larger value', (_, compare, expected) => {
  const below = 2n ** 53n;
  const rows = [below, below + 1n, below + 2n].map((value) => ({ n: value, m: below + 1n }));
  expect(rows.map((row) => evaluate(compare(n, m), row))).toEqual(expected);
  expect(rows.map((row) => evaluate(compare(n, below + 1n), row))).toEqual(expected);
});

test.each([eq, ne, lt, le, gt, ge])('a comparison with null is null', (compare) => {
  expect(evaluate(compare(n, m), { n: null, m: 1n })).toBeNull();
  expect(evaluate(compare(n, m), { n: 1n, m: null })).toBeNull();
  expect(evaluate(compare(n, m), { n: null, m: null })).toBeNull();
  expect(evaluate(compare(n, 1), { n: null })).toBeNull();
});

test('a literal takes the type of the column beside it', () => {
  expect(evaluate(eq(column('price') as Expression<'decimal'>, '19.9'), { price: 1990n })).toBe(true);
  expect(evaluate(eq(column('at') as Expression<'timestamp'>, '1970-01-01T00:00:00.5Z'), { at: 500_000n })).toBe(true);
  expect(evaluate(eq(a, false), { a: false })).toBe(true);
});

test('decimals of different scales are compared by value', () => {
  const compare = eq(column('price') as Expression<'decimal'>, column('rate') as Expression<'decimal'>);
  expect(evaluate(compare, { price: 150n, rate: 15_000n })).toBe(true);
  expect(evaluate(compare, { price: 150n, rate: 15_001n })).toBe(false);
});

test('a column that the table does not have is named', () => {
  expect(() => evaluate(eq(column('nope') as Expression<'int64'>, 1), {})).toThrow(
    new RangeError('no column "nope"; the table declares a, b, n, m, price, rate, at'),
  );
});

const literals: readonly (readonly [ColumnType, bigint | number | string | boolean, Value])[] = [
  [{ kind: 'int64' }, 5, 5n],
  [{ kind: 'int64' }, -(2n ** 63n), -(2n ** 63n)],
  [{ kind: 'int32' }, -5, -5],
  [{ kind: 'float64' }, 0.5, 0.5],
  [{ kind: 'decimal', precision: 5, scale: 2 }, '-1.5', -150n],
  [{ kind: 'text' }, '', ''],
  [{ kind: 'boolean' }, true, true],
  [{ kind: 'date' }, '1970-01-02', 1],
  [{ kind: 'date' }, '1969-12-31', -1],
  [{ kind: 'timestamp', precision: 6 }, '1970-01-01T00:00:01.000001Z', 1_000_001n],
  [{ kind: 'timestamptz' }, '1969-12-31T23:59:59Z', -1_000_000n],
];

test.each(literals)('as %o the literal %s is %s', (type, literal, value) => {
  expect(literalValue(literal, type)).toBe(value);
});

const refused: readonly (readonly [ColumnType, bigint | number | string | boolean])[] = [
  [{ kind: 'int64' }, 1.5],
  [{ kind: 'int64' }, 2 ** 53],
  [{ kind: 'int64' }, '5'],
  [{ kind: 'int32' }, 1.5],
  [{ kind: 'int32' }, 5n],
  [{ kind: 'float64' }, 5n],
  [{ kind: 'float64' }, '5'],
  [{ kind: 'decimal', precision: 5, scale: 2 }, 1.5],
  [{ kind: 'decimal', precision: 5, scale: 2 }, '1.555'],
  [{ kind: 'text' }, 5],
  [{ kind: 'boolean' }, 'true'],
  [{ kind: 'boolean' }, 1],
  [{ kind: 'date' }, 5],
  [{ kind: 'date' }, '2024-1-1'],
  [{ kind: 'date' }, '2024-01-01T00:00:00Z'],
  [{ kind: 'timestamp', precision: 6 }, '2024-01-01'],
  [{ kind: 'timestamp', precision: 6 }, '2024-01-01T00:00:00'],
  [{ kind: 'timestamp', precision: 6 }, '2024-01-01T00:00:00+01:00'],
  [{ kind: 'timestamp', precision: 6 }, '2024-01-01T00:00:00.1234567Z'],
  [{ kind: 'timestamp', precision: 6 }, '2024-13-01T00:00:00Z'],
  [{ kind: 'timestamptz' }, 5n],
];

test.each(refused)('as %o the literal %s is refused', (type, literal) => {
  expect(() => literalValue(literal, type)).toThrow(RangeError);
});

test('texts compare as their UTF-8 bytes do, as in the C collation', { timeout: 30_000 }, () => {
  const anyText = fc.string({
    unit: fc.oneof(
      fc.constantFrom('a', '\ue000', '\uffff', '🦊', '\u{10ffff}'),
      fc.string({ unit: 'binary', maxLength: 1 }),
    ),
  });
  fc.assert(
    fc.property(anyText, anyText, (left, right) => {
      expect(Math.sign(compareValues(left, right))).toBe(Buffer.compare(Buffer.from(left), Buffer.from(right)));
    }),
  );
});

test('doubles are ordered as in Postgres: NaN equal to itself and above all', () => {
  const values = [Number.NaN, Infinity, -Infinity, 5, -5, Number.NaN, 0];
  expect([...values].sort(compareValues)).toEqual([-Infinity, -5, 0, 5, Infinity, Number.NaN, Number.NaN]);
  expect(compareValues(Number.NaN, Number.NaN)).toBe(0);
  expect(compareValues(0, -0)).toBe(0);
});

test('integers beyond 2^53 are told apart', () => {
  expect(compareValues(9223372036854775807n, 9223372036854775806n)).toBe(1);
});
