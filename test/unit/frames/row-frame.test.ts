import { expect, test } from 'vitest';
import { decodeFeatureFrame, encodeFeatureFrame } from '../../../src/frames/feature-frame.ts';
import {
  decodeEntityFrame,
  encodeMarksFrame,
  encodeRowsFrame,
  encodeTickFrame,
  type RowsFrame,
} from '../../../src/frames/row-frame.ts';
import { rowOf, userPlan } from '../../support/shop.ts';

const source = { table: 0, topicId: '00112233445566778899aabbccddeeff', partition: 2, partitionCount: 3 };
const marks = { data_us: 1_800_000_000_000_000, clock_us: -Infinity };
const before = rowOf({
  id: 7,
  user: 2n ** 63n - 1n,
  cents: -1,
  status: 'ok',
  location: null,
  time_us: 1_800_000_000_123_456,
});
const after = rowOf({
  id: 7,
  user: 8,
  cents: 9_999_999_999_99,
  status: 'né 🦊',
  location: 'Oulu',
  time_us: 1_800_000_300_000_000,
});

const rowsFrame: RowsFrame = {
  kind: 'rows',
  source,
  session: 5,
  number: 300,
  marks,
  rows: [
    {
      offset: 1000,
      operation: 'c',
      commit_us: 1_800_000_001_000_000,
      ingest_ms: 1_800_000_001_002,
      routes: 2,
      before: null,
      after,
    },
    {
      offset: 1002,
      operation: 'u',
      commit_us: 1_800_000_000_999_999,
      ingest_ms: 1_800_000_001_002,
      routes: 3,
      before,
      after,
    },
    {
      offset: 1003,
      operation: 'd',
      commit_us: 1_800_000_002_000_000,
      ingest_ms: 1_800_000_001_003,
      routes: 1,
      before,
      after: null,
    },
  ],
};

// The bytes are a promise to logs that exist: if one of these tests fails, raise the format version.
const goldenRows =
  '0101005f172cc000112233445566778899aabbccddeeff0203000062a25c941943000000000000f0ff05ac0203e8078089be' +
  '8ae5c5b206d4cfe285e368220007000000000000000800000000000000ff0fa5d4e8000000086ec3a920f09fa68a044f756c' +
  '7500237a3a1765060002010037100700000000000000ffffffffffffff7fffffffffffffffff026f6b40629a281765060000' +
  '07000000000000000800000000000000ff0fa5d4e8000000086ec3a920f09fa68a044f756c7500237a3a176506000182897a' +
  '0219100700000000000000ffffffffffffff7fffffffffffffffff026f6b40629a2817650600';

const goldenFeatures =
  '01003124ade5030202343207000062a25c941943844362a25c94194304030000000000000000809828176506001339323233' +
  '33373230333638353437373538303700008ce8e95c94194384cfe8e95c941943020000000000000000fbffffffffffffff';

test('a rows frame survives encoding and decoding', () => {
  expect(decodeEntityFrame(encodeRowsFrame(userPlan, rowsFrame), userPlan)).toEqual(rowsFrame);
});

test('the bytes of a rows frame', () => {
  expect(encodeRowsFrame(userPlan, rowsFrame).toString('hex')).toBe(goldenRows);
});

test('a marks frame survives encoding and decoding', () => {
  const sources = [
    { source, marks },
    { source: { ...source, partition: 0 }, marks: { data_us: -Infinity, clock_us: 1 } },
  ];
  expect(decodeEntityFrame(encodeMarksFrame(userPlan, sources), userPlan)).toEqual({ kind: 'marks', sources });
});

test('the bytes of a tick', () => {
  expect(encodeTickFrame().toString('hex')).toBe('0103');
  expect(decodeEntityFrame(encodeTickFrame(), userPlan)).toEqual({ kind: 'tick' });
});

const featureRows = [
  {
    key: '42',
    position: 7,
    asOf_us: 1_800_000_000_000_000,
    created_us: 1_800_000_000_004_321,
    values: [3n, 1_800_000_000_000_000n, null],
  },
  {
    key: '9223372036854775807',
    position: 7,
    asOf_us: 1_800_000_300_000_000,
    created_us: 1_800_000_300_004_321,
    values: [0n, null, -5n],
  },
];

test('a feature frame survives encoding and decoding', () => {
  const view = userPlan.views[0]!;
  const decoded = decodeFeatureFrame(encodeFeatureFrame(view, 3, featureRows), userPlan);
  expect(decoded).toEqual({ view, generation: 3, rows: featureRows });
});

test('the bytes of a feature frame', () => {
  const view = { ...userPlan.views[0]!, hash: 'e5ad243100000000' };
  expect(encodeFeatureFrame(view, 3, featureRows).toString('hex')).toBe(goldenFeatures);
});

test.each([
  ['an unknown format version', '0901', /format version 9; this build reads 1/],
  ['an unknown kind', '0109', /unknown kind of frame/],
  ['a frame that ends too early', '010100c3', /in the middle of a value/],
  ['another column set', '010100ffffffff', /another version of the definition wrote it/],
])('%s is refused with the reason', (_, hex, message) => {
  expect(() => decodeEntityFrame(Buffer.from(hex, 'hex'), userPlan)).toThrow(message);
});
