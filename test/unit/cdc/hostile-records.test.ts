/** Records that no connector writes, but that anything else on the topic may. Each is a bad record, never another failure. */
import { expect, test } from 'vitest';
import { createDecoder } from '../../../src/cdc/decoder.ts';
import { RecordError } from '../../../src/errors.ts';
import type { ColumnType, Value } from '../../../src/define/column.ts';
import type { TablePlan } from '../../../src/define/plan.ts';
import type { Encoding } from '../../../src/define/table.ts';
import { envelope, jsonText, transactionFields } from '../../support/envelope.ts';
import { transactionsPlan } from '../../support/shop.ts';

const commit_us = 1_800_000_000_000_000;
const row = { id: 1, user: 1, cents: 100, status: 'ok', location: null, time_us: commit_us };
const text = envelope({ after: transactionFields(row) }).toString();

test.each([
  ['"lsn":1', '"lsn":1-2'],
  ['"lsn":1', '"lsn":1.5'],
  [`"ts_us":${commit_us}`, '"ts_us":18-0'],
  [`"ts_us":${commit_us}`, '"ts_us":1e400'],
  [`"ts_us":${commit_us}`, '"ts_us":9999999999999999999'],
])('%s as %s', (from, to) => {
  expect(text).toContain(from);
  expect(() => createDecoder(transactionsPlan)(Buffer.from(text.replace(from, to)))).toThrow(RecordError);
});

test('payload in payload in payload …', () => {
  expect(() => createDecoder(transactionsPlan)(Buffer.from('{"payload":'.repeat(20_000)))).toThrow(RecordError);
});

/** Decodes one value of a column of the type. */
function decodeValue(type: ColumnType, json: string, encoding: Partial<Encoding> = {}): Value {
  const table: TablePlan = {
    ...transactionsPlan,
    columns: [{ name: 'v', type, nullable: false }],
    primaryKey: [0],
    time: null,
    encoding: { ...transactionsPlan.encoding, ...encoding },
  };
  const marked = envelope({ after: { v: 'HERE' } })
    .toString()
    .replace('"HERE"', json);
  const decoded = createDecoder(table)(Buffer.from(marked));
  return decoded.kind === 'row' ? decoded.after![0]! : null;
}

const money = { kind: 'decimal', precision: 12, scale: 2 } as const;

test.each([
  ['more digits than declared', money, '"99999999999999999999999999.00"', {}],
  ['an exponent that would take minutes', money, '1e20000000', { decimals: 'double' }],
  ['two points', money, '1.2.3', { decimals: 'double' }],
  ['a scale that would take minutes', money, '{"scale":-20000000,"value":"AQ=="}', { decimals: 'precise' }],
  ['an object that is no decimal', money, '{}', { decimals: 'precise' }],
  ['a day that 32 bits do not reach', { kind: 'date' }, '"+99999999-01-01"', {}],
  ['half a surrogate pair', { kind: 'text' }, '"\\ud800"', {}],
] as const)('%s', (_, type, json, encoding) => {
  expect(() => decodeValue(type, json, encoding)).toThrow(RecordError);
});

test.each([
  ['-1.005', -101n],
  ['-1.25e1', -1250n],
  ['1.2e-3', 0n],
  ['0.005', 1n],
] as const)('a double %s is rounded to the scale, half away from zero', (json, expected) => {
  expect(decodeValue(money, json, { decimals: 'double' })).toBe(expected);
});

test('a decimal of its own scale is exact, negative ones too', () => {
  const value = Buffer.from([0xff, 0x38]).toString('base64');
  const encoding = { decimals: 'precise' } as const;
  expect(decodeValue(money, jsonText({ scale: 1, value }), encoding)).toBe(-2000n);
  expect(decodeValue(money, jsonText({ scale: 3, value }), encoding)).toBe(-20n);
  expect(() => decodeValue(money, jsonText({ scale: 5, value }), encoding)).toThrow(/5 digits behind the point/);
});

test('both zeros are one value, as in SQL: what came as −0 is found as 0', () => {
  expect(decodeValue({ kind: 'float64' }, '-0.0')).toBe(0);
});
