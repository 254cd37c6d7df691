/** Every function of expressions: what it gives, that DuckDB gives the same for its SQL, and what it refuses. */
import { beforeAll, describe, expect, test } from 'vitest';
import type { ColumnType, Kind, Scalar, Value } from '../../../src/define/column.ts';
import { compile, type Compiled } from '../../../src/define/compile.ts';
import { columnOf, type Expression } from '../../../src/define/expression.ts';
import { sqlLiteral, sqlType } from '../../../src/define/functions/sql-text.ts';
import { infinity_us, minusInfinity_us } from '../../../src/define/value.ts';
import {
  abs,
  add,
  and,
  between,
  caseWhen,
  coalesce,
  concat,
  contains,
  custom,
  dayOfWeek,
  decimal,
  div,
  eq,
  ge,
  gt,
  hourOf,
  inList,
  int64,
  isNull,
  le,
  length,
  literal,
  lower,
  lt,
  mod,
  mul,
  ne,
  neg,
  not,
  or,
  secondsBetween,
  startsWith,
  sub,
  substring,
  text,
  timestamp,
  toFloat64,
  toText,
  trim,
  truncateTo,
  upper,
} from '../../../src/index.ts';
import { query } from '../../support/duckdb.ts';

const types = {
  small: { kind: 'int32' },
  small2: { kind: 'int32' },
  big: { kind: 'int64' },
  big2: { kind: 'int64' },
  price: { kind: 'decimal', precision: 12, scale: 2 },
  rate: { kind: 'decimal', precision: 9, scale: 4 },
  wide: { kind: 'decimal', precision: 38, scale: 2 },
  wide2: { kind: 'decimal', precision: 38, scale: 10 },
  real: { kind: 'float64' },
  real2: { kind: 'float64' },
  word: { kind: 'text' },
  word2: { kind: 'text' },
  flag: { kind: 'boolean' },
  day: { kind: 'date' },
  at: { kind: 'timestamp', precision: 6 },
  at2: { kind: 'timestamptz' },
} as const satisfies Readonly<Record<string, ColumnType>>;

type Name = keyof typeof types;
type Columns = { readonly [N in Name]: Expression<(typeof types)[N]['kind'], true> };

const names = Object.keys(types) as Name[];
const columns = names.map((name) => ({ name, type: types[name] }));
const c = Object.fromEntries(names.map((name) => [name, columnOf('t', name)])) as unknown as Columns;

/** The most that 38 digits hold. */
const nines = 10n ** 38n - 1n;

const pools: Readonly<Record<Name, readonly Scalar[]>> = {
  small: [0, 1, -1, 7, -8, 2_147_483_647, -2_147_483_648],
  small2: [0, 2, -3, 2_147_483_647],
  big: [0n, 1n, -7n, 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n)],
  big2: [0n, 2n, -3n, 2n ** 63n - 1n, -(2n ** 63n)],
  price: [0n, 1n, -150n, 1999n, 999_999_999_999n, -999_999_999_999n],
  rate: [0n, 1n, 12_500n, -10_000n, 999_999_999n],
  wide: [0n, 3n, nines, -nines, 10n ** 37n],
  wide2: [0n, 1n, nines, -(10n ** 30n)],
  real: [0, 0.1, -2.5, 1e308, 5e-324, Infinity, -Infinity, NaN, 3],
  real2: [0, 0.2, -1e308, 2, Infinity, NaN],
  word: ['', 'Abc', 'abc', '  a b ', 'Zoë 🦊!', "it's", '\uffff', 'ÀÉ'],
  word2: ['', 'a', 'ab', '🦊', 'Ab'],
  flag: [true, false],
  day: [0, -1, 19_000],
  at: [0n, -1n, 1_714_557_600_123_456n, -62_135_596_800_000_000n, infinity_us, minusInfinity_us, 951_782_400_000_000n],
  at2: [0n, 1_714_557_600_123_457n, infinity_us, 86_400_000_000n * 3n - 1n],
};

/** All pairs of values of two columns that belong together meet; every sixth value is null. */
const rows: readonly (readonly Value[])[] = Array.from({ length: 240 }, (_, i) =>
  names.map((name, n) => {
    const pool = pools[name];
    if ((i * 5 + n) % 17 === 0) return null;
    const step = name.endsWith('2') || name === 'rate' ? Math.floor(i / 9) : i;
    return pool[step % pool.length]!;
  }),
);

beforeAll(async () => {
  const definitions = columns.map(({ name, type }) => `"${name}" ${sqlType(type)}`);
  await query(`CREATE OR REPLACE TABLE expressions (i INTEGER, ${definitions.join(', ')})`);
  const cells = rows.map((row, i) => {
    const values = row.map((value, n) => (value === null ? 'NULL' : sqlLiteral(value as Scalar, columns[n]!.type)));
    return `(${[i, ...values].join(', ')})`;
  });
  await query(`INSERT INTO expressions VALUES ${cells.join(', ')}`);
});

const compiled = (expression: Expression): Compiled => compile(expression.node, { of: 'table', columns });

const evaluate = (expression: Expression, row: Partial<Record<Name, Value>>): Value =>
  compiled(expression).evaluate(names.map((name) => row[name] ?? null));

const expressions: readonly (readonly [string, Expression<Kind>])[] = [
  ['add int32', add(c.small, c.small2)],
  ['add int32 and a literal', add(c.small, 2_147_483_647)],
  ['add int32 and int64', add(c.small, c.big)],
  ['add int64', add(c.big, c.big2)],
  ['add decimals', add(c.price, c.rate)],
  ['add wide decimals', add(c.wide, c.wide2)],
  ['add decimal and int64', add(c.price, c.big)],
  ['add decimal and a literal', add(c.price, '0.125')],
  ['add doubles', add(c.real, c.real2)],
  ['add double and int64', add(c.real, c.big)],
  ['sub int64', sub(c.big, c.big2)],
  ['sub decimals', sub(c.price, c.rate)],
  ['sub wide decimals', sub(c.wide, c.wide2)],
  ['sub doubles', sub(c.real, c.real2)],
  ['mul int32', mul(c.small, c.small2)],
  ['mul int64', mul(c.big, c.big2)],
  ['mul decimals', mul(c.price, c.rate)],
  ['mul decimal and int32', mul(c.price, c.small)],
  ['mul wide decimals', mul(c.wide, c.wide2)],
  ['mul doubles', mul(c.real, c.real2)],
  ['mod int32', mod(c.small, c.small2)],
  ['mod int64', mod(c.big, c.big2)],
  ['mod decimals', mod(c.price, c.rate)],
  ['mod doubles', mod(c.real, c.real2)],
  ['div int64', div(c.big, c.big2)],
  ['div decimals', div(c.price, c.rate)],
  ['div doubles', div(c.real, c.real2)],
  ['div decimal by a literal', div(c.price, '3')],
  ['neg int32', neg(c.small)],
  ['neg int64', neg(c.big)],
  ['neg decimal', neg(c.price)],
  ['neg double', neg(c.real)],
  ['abs int64', abs(c.big)],
  ['abs decimal', abs(c.wide)],
  ['abs double', abs(c.real)],
  ['coalesce', coalesce(c.small, c.small2, 5)],
  ['coalesce decimals', coalesce(c.price, c.rate, '0.01')],
  ['coalesce doubles', coalesce(c.real, Infinity)],
  [
    'caseWhen',
    caseWhen(
      [
        [gt(c.price, '10.00'), 'large'],
        [isNull(c.price), 'none'],
      ],
      'small',
    ),
  ],
  ['caseWhen of expressions', caseWhen([[eq(c.flag, true), c.price]], c.rate)],
  ['caseWhen without an else', caseWhen([[c.flag, c.word]], null)],
  ['caseWhen of numbers', caseWhen([[c.flag, 0.5]], -1)],
  ['caseWhen of integers', caseWhen([[c.flag, 1n]], 0n)],
  ['caseWhen and a literal', caseWhen([[c.flag, c.big]], 0)],
  ['between', between(c.price, '-1.00', '19.99')],
  ['between doubles', between(c.real, 0, NaN)],
  ['inList', inList(c.word, ['abc', 'Zoë 🦊!', "it's"])],
  ['inList of decimals', inList(c.price, ['19.99', '0.00'])],
  ['inList of doubles', inList(c.real, [NaN, 0.1, 0])],
  ['inList of nothing', inList(c.small, [])],
  ['eq', eq(c.word, 'abc')],
  ['ne', ne(c.small, c.small2)],
  ['lt text', lt(c.word, c.word2)],
  ['le doubles', le(c.real, c.real2)],
  ['gt times', gt(c.at, '1970-01-01T00:00:00Z')],
  ['ge dates', ge(c.day, '1970-01-01')],
  ['ge decimals of two scales', ge(c.price, c.rate)],
  ['and, or, not', or(and(c.flag, gt(c.small, 0)), not(lt(c.small, c.small2)))],
  ['and of nothing', and()],
  ['lower', lower(concat(c.word2, 'ABC'))],
  ['upper', upper(substring(c.word2, 1, 1))],
  ['trim', trim(c.word)],
  ['length', length(c.word)],
  ['concat', concat(c.word, c.word2, '/')],
  ['substring', substring(c.word, 2, 3)],
  ['substring of nothing', substring(c.word, 9, 0)],
  ['startsWith', startsWith(c.word, c.word2)],
  ['contains', contains(c.word, '🦊')],
  ['contains another column', contains(c.word, c.word2)],
  ['hourOf', hourOf(c.at)],
  ['dayOfWeek', dayOfWeek(c.at)],
  ...(['minute', 'hour', 'day', 'week', 'month', 'year'] as const).map(
    (unit) => [`truncateTo ${unit}`, truncateTo(c.at, unit)] as const,
  ),
  ['secondsBetween', secondsBetween(c.at as Expression<'timestamp' | 'timestamptz', true>, c.at2)],
  ['toFloat64 of int64', toFloat64(c.big)],
  ['toFloat64 of decimal', toFloat64(c.price)],
  ['toText of int64', toText(c.big)],
  ['toText of decimal', toText(c.rate)],
  ['toText of boolean', toText(c.flag)],
  ['toText of date', toText(c.day)],
  ['toText of timestamp', toText(c.at)],
  ['a literal with its type', coalesce(c.big, literal(int64(), 7))],
  ['a literal of a decimal', mul(c.price, literal(decimal(3, 1), '1.5'))],
  ['a literal of a time', eq(c.at, literal(timestamp(), '2024-05-01T10:00:00.123456Z'))],
];

/** Zero has no sign in SQL's eyes. */
const unsigned = (value: unknown): unknown => (value === 0 ? 0 : value);

describe('as DuckDB has it', () => {
  test.each(expressions)('%s', async (_, expression) => {
    const { type, evaluate: run, sql } = compiled(expression);
    const found = await query(`SELECT ${sql} AS v FROM expressions ORDER BY i`);
    const described = await query(`SELECT typeof(${sql}) AS t FROM expressions LIMIT 1`);
    expect(described[0]!['t']).toBe(sqlType(type).replace(', ', ','));
    const differing = rows.flatMap((row, i) => {
      const [ours, theirs] = [unsigned(run(row)), unsigned(found[i]!['v'])];
      return Object.is(ours, theirs)
        ? []
        : [{ row: Object.fromEntries(row.map((v, n) => [names[n], v])), ours, theirs }];
    });
    expect(differing).toEqual([]);
  });

  test('text beyond ASCII has other capitals in other places', () => {
    expect(evaluate(upper(c.word), { word: 'straße' })).toBe('STRASSE');
  });

  test('a decimal of 38 digits becomes the nearest double, of which DuckDB is a last bit away at most', async () => {
    const { evaluate: run, sql } = compiled(toFloat64(c.wide2));
    const found = await query(`SELECT ${sql} AS v FROM expressions ORDER BY i`);
    rows.forEach((row, i) => {
      const [ours, theirs] = [run(row) as number | null, found[i]!['v'] as number | null];
      if (ours === null) expect(theirs).toBeNull();
      else expect(Math.abs(ours - theirs!)).toBeLessThanOrEqual(Math.abs(ours) * 2 ** -52);
    });
  });
});

const results: readonly (readonly [string, Expression, Partial<Record<Name, Value>>, Value])[] = [
  [
    'the sum of two int32 is an int64',
    add(c.small, c.small2),
    { small: 2_147_483_647, small2: 2_147_483_647 },
    4_294_967_294n,
  ],
  ['what 64 bits cannot hold', mul(c.big, c.big2), { big: 2n ** 62n, big2: 2n }, null],
  ['the smallest integer without its sign', abs(c.big), { big: -(2n ** 63n) }, null],
  ['a product of decimals has the digits of both', mul(c.price, c.rate), { price: 150n, rate: 12_500n }, 1_875_000n],
  ['a product of more than 38 digits', mul(c.wide, c.wide2), { wide: nines, wide2: nines }, null],
  ['a division by zero', div(c.price, c.rate), { price: 1n, rate: 0n }, null],
  ['a rest by zero', mod(c.big, c.big2), { big: 1n, big2: 0n }, null],
  ['a rest has the sign of what is divided', mod(c.small, c.small2), { small: -7, small2: 3 }, -1n],
  ['a quotient is a double', div(c.price, c.small), { price: 1000n, small: 4 }, 2.5],
  ['a null in a concat', concat(c.word, c.word2), { word: 'a' }, null],
  ['characters, not units', length(c.word), { word: '🦊a' }, 2],
  ['a Sunday', dayOfWeek(c.at), { at: 1_767_484_800_000_000n }, 0],
  ['infinity has no hour', hourOf(c.at), { at: infinity_us }, null],
  ['a week begins on Monday', truncateTo(c.at, 'week'), { at: 1_767_571_199_999_999n }, 1_766_966_400_000_000n],
  ['29 February', truncateTo(c.at, 'month'), { at: 951_782_400_000_000n }, 949_363_200_000_000n],
  ['nothing of a list', inList(c.small, [1]), {}, null],
];

test.each(results)('%s', (_, expression, row, expected) => {
  expect(evaluate(expression, row)).toBe(expected);
});

describe('a plain function', () => {
  const domain = custom(text(), 'domain', [c.word, c.price, c.at], (word, price, at) => `${word} ${price} ${at}`);

  test('gets values as their readers do, and has no SQL', () => {
    const value = evaluate(domain, { word: 'a', price: 150n, at: 0n });
    expect(value).toBe('a 1.50 1970-01-01T00:00:00.000000Z');
    expect(compiled(domain).sql).toBeNull();
    expect(compiled(eq(domain, 'x')).sql).toBeNull();
  });

  test('may give nothing', () => {
    expect(
      evaluate(
        custom(text(), 'none', [c.word], () => null),
        {},
      ),
    ).toBeNull();
  });

  test('that gives what is no value of its type is named', () => {
    const wrong = custom(int64(), 'wrong', [c.word], () => 1.5);
    expect(() => evaluate(wrong, {})).toThrow(
      new RangeError('the custom function "wrong" gave what it may not: 1.5 is not a literal of type int64'),
    );
  });

  test('needs a name', () => {
    expect(() => compiled(custom(text(), '', [c.word], () => null))).toThrow(/needs a name/);
  });
});

/** As untyped callers can write it. */
const any = <T>(value: unknown): T => value as T;

const refused: readonly (readonly [string, () => Expression, string])[] = [
  ['arithmetic of text', () => add(any(c.word), 1), 'add takes numbers (int32, int64, decimal, float64), not text'],
  ['a decimal literal that is none', () => add(c.price, 'x'), '"x" is not a decimal number'],
  ['a fraction beside an integer', () => add(c.big, 1.5), '1.5 is not a literal of type int64'],
  ['text of a number', () => lower(any(c.small)), 'lower takes text, not int32; toText(…) makes it text'],
  ['a number in a concat', () => concat(c.word, any(5)), 'concat takes text, not number'],
  [
    'a substring from 0',
    () => substring(c.word, 0, 1),
    'substring takes whole numbers: the first character is 1, the length 0 or more',
  ],
  ['the hour of text', () => hourOf(any(c.word)), 'hourOf takes timestamps, not text'],
  [
    'an unknown unit',
    () => truncateTo(c.at, any('decade')),
    'truncateTo takes minute, hour, day, week, month, year, not "decade"',
  ],
  ['the text of a double', () => toText(any(c.real)), 'toText takes no float64: its text is not the same everywhere'],
  [
    'alternatives of two types',
    () => coalesce(c.word, any(c.small)),
    'a value of type text is not alternative to one of type int32',
  ],
  [
    'a case of two types',
    () => caseWhen([[c.flag, any<number>('x')]], 1),
    'alternatives of different types; write them as literal(int64(), 5)',
  ],
  [
    'a case whose condition is none',
    () => caseWhen([[any(c.word), 'x']], 'y'),
    'a term of and, or, not is text, not a condition',
  ],
  [
    'an unknown function',
    () => any({ node: { op: 'call', function: 'nope', arguments: [] } }),
    'there is no function "nope"',
  ],
  [
    'a function of Object',
    () => any({ node: { op: 'call', function: 'toString', arguments: [] } }),
    'there is no function "toString"',
  ],
  [
    'a feature of the view',
    () => any({ node: { op: 'feature', name: 'f' } }),
    'reads the feature "f"; only derive can',
  ],
  [
    'literals alone',
    () => any({ node: { op: 'eq', left: { op: 'literal', value: 1 }, right: { op: 'literal', value: 2 } } }),
    'the type of literals alone is not known; write one as literal(int64(), 5)',
  ],
];

test.each(refused)('%s is refused', (_, expression, message) => {
  expect(() => compiled(expression())).toThrow(new RangeError(message));
});

test('decimals that SQL has no room for can be compared, not computed with', () => {
  const wide = [{ name: 'huge', type: { kind: 'decimal', precision: 60, scale: 3 } as ColumnType }];
  const huge = columnOf<'decimal', true>('t', 'huge');
  const run = (expression: Expression): Compiled => compile(expression.node, { of: 'table', columns: wide });
  expect(run(gt(huge, '1.5')).evaluate([1501n])).toBe(true);
  expect(() => run(add(huge, '1'))).toThrow('decimal(60, 3) has more than 38 digits and cannot be computed with');
});
