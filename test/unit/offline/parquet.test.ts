import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Value } from '../../../src/define/column.ts';
import { formatDecimal, infinity_us, minusInfinity_us } from '../../../src/define/value.ts';
import { MillraceError } from '../../../src/errors.ts';
import type { FeatureRow } from '../../../src/frames/feature-frame.ts';
import { encodeParquet, readRange, type ParquetFile } from '../../../src/offline/parquet.ts';
import { query, writeObject, type Row } from '../../support/duckdb.ts';
import {
  everyKindView,
  featureNames,
  keyText,
  rows as someRows,
  thingPlan,
  valuesOf,
} from '../../support/every-kind.ts';

let folder: string;
let files = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-parquet-'));
});
afterAll(() => rm(folder, { recursive: true }));

const file = (rows: readonly FeatureRow[], more: Partial<ParquetFile> = {}): ParquetFile => {
  return { entity: thingPlan, view: everyKindView, generation: 4, partition: 7, first: 100, last: 120, rows, ...more };
};

function row(some: Readonly<Record<string, Value>>, more: Partial<FeatureRow> = {}): FeatureRow {
  const key = keyText({ id: 1n, shard: 2, name: 'three' });
  return {
    key,
    position: 5,
    asOf_us: 1_800_000_000_000_001,
    created_us: 1_800_000_000_500_000,
    values: valuesOf(some),
    ...more,
  };
}

async function written(rows: readonly FeatureRow[], more: Partial<ParquetFile> = {}): Promise<string> {
  const path = join(folder, `${files++}.parquet`);
  await writeObject(path, encodeParquet(file(rows, more)));
  return `'${path}'`;
}

/** One feature's values as DuckDB reads them, in the order written. */
async function readBack(feature: string, values: readonly Value[]): Promise<unknown[]> {
  const path = await written(values.map((value) => row({ [feature]: value })));
  return (await query(`SELECT ${feature} FROM ${path}`)).map((read) => read[feature]);
}

const kinds: readonly (readonly [string, readonly Value[]])[] = [
  ['small', [0, -1, 2 ** 31 - 1, -(2 ** 31), null, 42]],
  ['big', [0n, -1n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n + 1n, -(2n ** 53n) - 1n, null]],
  ['real', [0.1, -0, 0, NaN, Infinity, -Infinity, Number.MIN_VALUE, Number.MAX_VALUE, null, 1e-300]],
  ['price', [0n, 1n, -1n, 1999n, 999_999_999_999n, -999_999_999_999n, null]],
  ['long', [10n ** 18n - 1n, -(10n ** 18n) + 1n, 2n ** 53n + 1n, null]],
  ['wide', [10n ** 38n - 1n, -(10n ** 38n) + 1n, 0n, -1n, 2n ** 64n, -(2n ** 64n), null]],
  ['fine', [10n ** 30n - 1n, -(10n ** 30n) + 1n, 1n, -1n, null]],
  ['word', ['', 'Zoë 🦊', '\0', "it's\n", 'x'.repeat(100_000), 'null', null, '\u{10ffff}']],
  ['flag', [true, false, null, true, true]],
  ['local', [0n, 1n, -1n, 1_714_557_600_123_456n, -62_135_596_800_000_000n, 253_402_300_799_999_999n, null]],
  ['instant', [0n, 1n, -1n, 1_714_557_600_123_456n, null, infinity_us, minusInfinity_us]],
  ['day', [0, -1, 20_000, -719_162, 2_932_896, null]],
  ['bigs', [[], null, [2n ** 63n - 1n, -(2n ** 63n)], [2n ** 53n + 1n], [], [0n, 0n, 0n]]],
  ['reals', [[NaN, Infinity], [0.1], [], null, [-Infinity, 0]]],
  ['fines', [[10n ** 30n - 1n, -1n], null, [], [0n]]],
  ['words', [['', 'Zoë 🦊', "it's\n"], [], ['null'], null]],
  ['flags', [[true, false], null, []]],
  ['instants', [[0n, infinity_us], [], null, [-1n]]],
  ['days', [[0, -1], null, [20_000]]],
];

describe('values', () => {
  test.each(kinds)('%s comes back exactly, nulls too', async (feature, values) => {
    expect(await readBack(feature, values)).toEqual(values);
  });

  test('a decimal of more than 38 digits is its text', async () => {
    const read = await readBack('huge', [10n ** 60n - 1n, -(10n ** 60n) + 1n, 0n, -1n, null]);
    expect(read).toEqual([`${'9'.repeat(57)}.999`, `-${'9'.repeat(57)}.999`, '0.000', '-0.001', null]);
  });

  test.each(featureNames.filter((name) => name !== 'rows'))('%s may be null in every row', async (feature) => {
    expect(await readBack(feature, [null, null, null])).toEqual([null, null, null]);
  });

  test('a microsecond is kept beyond what a double holds', async () => {
    const path = await written([row({ instant: 253_402_300_799_999_999n })]);
    expect(await query(`SELECT instant::VARCHAR AS text FROM ${path}`)).toEqual([
      { text: expect.stringMatching(/\.999999/) },
    ]);
  });

  test('one row is a file', async () => {
    const path = await written([row({ rows: 3n })]);
    expect(await query(`SELECT count(*) AS n, max("rows") AS most FROM ${path}`)).toEqual([{ n: 1n, most: 3n }]);
  });
});

describe('columns', () => {
  const zoned = 'TIMESTAMP WITH TIME ZONE';

  test('are the key, the features, the times and the identity, in this order and with these types', async () => {
    const described = await query(`DESCRIBE SELECT * FROM ${await written([row({})])}`);
    expect(described.map((column) => [column['column_name'], column['column_type']])).toEqual([
      ...[
        ['id', 'BIGINT'],
        ['shard', 'INTEGER'],
        ['name', 'VARCHAR'],
      ],
      ...[
        ['rows', 'BIGINT'],
        ['small', 'INTEGER'],
        ['big', 'BIGINT'],
        ['real', 'DOUBLE'],
      ],
      ...[
        ['price', 'DECIMAL(12,2)'],
        ['long', 'DECIMAL(18,0)'],
        ['wide', 'DECIMAL(38,0)'],
        ['fine', 'DECIMAL(30,10)'],
      ],
      ...[
        ['huge', 'VARCHAR'],
        ['word', 'VARCHAR'],
        ['flag', 'BOOLEAN'],
        ['local', zoned],
        ['instant', zoned],
        ['day', 'DATE'],
      ],
      ...[
        ['bigs', 'BIGINT[]'],
        ['reals', 'DOUBLE[]'],
        ['fines', 'DECIMAL(30,10)[]'],
        ['huges', 'VARCHAR[]'],
        ['words', 'VARCHAR[]'],
        ['flags', 'BOOLEAN[]'],
        ['instants', `${zoned}[]`],
        ['days', 'DATE[]'],
      ],
      ...[
        ['event_timestamp', zoned],
        ['created_timestamp', zoned],
        ['_partition', 'INTEGER'],
        ['_position', 'BIGINT'],
      ],
    ]);
  });

  test('timestamps are UTC-adjusted microseconds', async () => {
    const schema = await query(`SELECT name, logical_type FROM parquet_schema(${await written([row({})])})`);
    const typeOf = new Map(schema.map((element) => [element['name'], String(element['logical_type'])]));
    for (const name of ['local', 'instant', 'event_timestamp', 'created_timestamp']) {
      expect(typeOf.get(name)).toMatch(/isAdjustedToUTC=(1|true)/);
      expect(typeOf.get(name)).toMatch(/MICROS/);
    }
  });

  test('of key, times and identity are required; features may be null', async () => {
    const schema = await query(`SELECT name, repetition_type AS r FROM parquet_schema(${await written([row({})])})`);
    const required = schema.filter(({ r }) => r === 'REQUIRED').map(({ name }) => name);
    const always = ['id', 'shard', 'name', 'event_timestamp', 'created_timestamp', '_partition', '_position'];
    expect(required.filter((name) => name !== 'root')).toEqual(always);
    expect(schema.filter(({ r, name }) => r === 'OPTIONAL' && name !== 'element').map(({ name }) => name)).toEqual(
      featureNames,
    );
  });

  test('hold the typed key, T, the instant, partition and position of each row', async () => {
    const key = { id: -(2n ** 63n), shard: -(2 ** 31), name: 'a:b/ü%🦊=' };
    const times = { asOf_us: 1_800_000_000_000_001, created_us: 1_800_000_000_999_999 };
    const path = await written([row({}, { key: keyText(key), position: 2 ** 53 - 1, ...times })], { partition: 11 });
    const [read] = await query(`SELECT * FROM ${path}`);
    expect(read).toMatchObject({
      ...key,
      event_timestamp: 1_800_000_000_000_001n,
      created_timestamp: 1_800_000_000_999_999n,
      _partition: 11,
      _position: 2n ** 53n - 1n,
    });
  });
});

describe('large files', () => {
  test('of several row groups are whole, and keep their order', async () => {
    const most = 45_000;
    const isNull = (i: number): boolean => i % 3 === 0 || i >= 40_000;
    const path = await written(
      Array.from({ length: most }, (_, i) =>
        row(
          { rows: BigInt(i), big: isNull(i) ? null : BigInt(i) },
          { key: keyText({ id: BigInt(i), shard: i, name: `k${i}` }), position: i },
        ),
      ),
    );
    const [groups] = await query(
      `SELECT count(DISTINCT row_group_id) AS n, any_value(compression) AS c FROM parquet_metadata(${path})`,
    );
    expect(groups!['n']).toBe(3n);
    const read = await query(`SELECT id, shard, name, "rows", big, _position FROM ${path}`);
    expect(read).toHaveLength(most);
    const wrong = read.findIndex(({ id, shard, name, rows, big, _position: position }, i) => {
      const n = BigInt(i);
      return (
        id !== n || shard !== i || name !== `k${i}` || rows !== n || big !== (isNull(i) ? null : n) || position !== n
      );
    });
    expect(wrong).toBe(-1);
  });

  test('of several pages, and a value larger than a page, are whole', async () => {
    const long = (i: number): string | null => (i % 10 === 9 ? null : `${i}`.repeat(i === 50 ? 1_500_000 : 20_000));
    const path = await written(Array.from({ length: 300 }, (_, i) => row({ word: long(i) }, { position: i })));
    const read = await query(`SELECT word FROM ${path} ORDER BY _position`);
    expect(read.findIndex(({ word }, i) => word !== long(i))).toBe(-1);
    expect(read).toHaveLength(300);
  });
});

const scalarNames = everyKindView.features.flatMap(({ name, type }) => (type.kind === 'list' ? [] : [name]));

/** What DuckDB must show of a row. */
function shown({ key, position, asOf_us, created_us, values }: FeatureRow): Row {
  const [id, shard, name] = key.split(':').map(decodeURIComponent);
  const features = featureNames.map((feature, i): [string, Value] => {
    const value = values[i]!;
    if (value === null) return [feature, null];
    if (feature === 'huge') return [feature, formatDecimal(value as bigint, 3)];
    return [feature, feature === 'huges' ? (value as bigint[]).map((huge) => formatDecimal(huge, 3)) : value];
  });
  return {
    ...{ id: BigInt(id!), shard: Number(shard), name: name! },
    ...Object.fromEntries(features),
    ...{ event_timestamp: BigInt(asOf_us), created_timestamp: BigInt(created_us) },
    ...{ _partition: 7, _position: BigInt(position) },
  };
}

describe('any rows', { timeout: 30_000 }, () => {
  test('are read back exactly, in order', async () => {
    await fc.assert(
      fc.asyncProperty(someRows, async (rows) => {
        expect(await query(`SELECT * FROM ${await written(rows)}`)).toEqual(rows.map(shown));
      }),
      { numRuns: 60 },
    );
  });

  test('are found by each of their values: the statistics hide none', async () => {
    await fc.assert(
      fc.asyncProperty(someRows, async (rows) => {
        const path = await written(rows);
        const some = await query(
          ['name', ...scalarNames]
            .map(
              (name) =>
                `(SELECT '${name}' AS name, ${name}::VARCHAR AS v, count(*) AS n FROM ${path} WHERE ${name} IS NOT NULL GROUP BY ${name} LIMIT 3)`,
            )
            .join(' UNION ALL '),
        );
        // The comparison with a constant is what a reader answers from the statistics.
        const counts = some.map(
          ({ name, v }, i) => `(SELECT count(*) FROM ${path} WHERE ${String(name)} = ${sqlText(String(v))}) AS c${i}`,
        );
        const [found] = some.length === 0 ? [{}] : await query(`SELECT ${counts.join(', ')}`);
        expect(some.map((each, i) => ({ ...each, n: found![`c${i}`] }))).toEqual(some);
      }),
      // Shrinking asks DuckDB for minutes, and the time limit would hide what was found.
      { numRuns: 8, endOnFailure: true },
    );
  });

  test('NaN beside numbers is found: it was left out of the statistics', async () => {
    const path = await written([1, NaN, 2].map((real) => row({ real })));
    expect(await query(`SELECT count(*) AS n FROM ${path} WHERE real = 'nan'`)).toEqual([{ n: 1n }]);
    expect(await query(`SELECT count(*) AS n FROM ${path} WHERE real > 1`)).toEqual([{ n: 2n }]);
  });
});

/** A text as an SQL constant; a zero byte cannot stand in one. */
const sqlText = (text: string): string =>
  text
    .split('\0')
    .map((part) => `'${part.replaceAll("'", "''")}'`)
    .join(' || chr(0) || ');

describe('the footer', () => {
  test('says which records the file holds, and of what', async () => {
    const path = await written([row({})], { first: 0, last: 2 ** 53 - 1 });
    const entries = await query(`SELECT decode(key) AS k, decode(value) AS v FROM parquet_kv_metadata(${path})`);
    expect(Object.fromEntries(entries.map(({ k, v }) => [k, v]))).toEqual({
      'millrace.first_offset': '0',
      'millrace.last_offset': '9007199254740991',
      'millrace.view': 'every_kind',
      'millrace.view_version': everyKindView.hash,
      'millrace.generation': '4',
    });
  });

  test('is read by readRange, from a part of a buffer too', () => {
    const bytes = encodeParquet(file([row({})], { first: 123, last: 456 }));
    expect(readRange('x', bytes)).toEqual({ first: 123, last: 456 });
    const around = Buffer.concat([Buffer.from('PAR1'), bytes, Buffer.from('PAR1')]);
    expect(readRange('x', around.subarray(4, 4 + bytes.length))).toEqual({ first: 123, last: 456 });
  });

  test('the same rows give the same bytes', () => {
    const [one, two] = [1, 2].map(() => Buffer.from(encodeParquet(file([row({ word: 'x' }), row({ big: 1n })]))));
    expect(one!.equals(two!)).toBe(true);
  });

  test.each([
    ['empty', Buffer.alloc(0)],
    ['something else', Buffer.from('not a Parquet file, but long enough')],
    ['cut off', Buffer.from(encodeParquet(file([row({})]))).subarray(0, 300)],
  ])('of no file of Millrace is refused, with its name and what to do: %s', (_, bytes) => {
    expect(() => readRange('v/g1/dt=x/0-1.parquet', bytes)).toThrow(MillraceError);
    expect(() => readRange('v/g1/dt=x/0-1.parquet', bytes)).toThrow(
      /^v\/g1\/dt=x\/0-1\.parquet is no Parquet file of Millrace .*move it/,
    );
  });
});
