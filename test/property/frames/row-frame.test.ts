import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Value } from '../../../src/define/column.ts';
import { buildPlan } from '../../../src/define/plan-builder.ts';
import type { EntityPlan } from '../../../src/define/plan.ts';
import { MillraceError } from '../../../src/errors.ts';
import {
  decodeEntityFrame,
  encodeMarksFrame,
  encodeRowsFrame,
  operations,
  type Marks,
  type RowsFrame,
  type SourceId,
} from '../../../src/frames/row-frame.ts';
import {
  boolean,
  count,
  date,
  debezium,
  decimal,
  entity,
  featureView,
  float64,
  int32,
  int64,
  text,
  timestamp,
  timestamptz,
  tumbling,
  type Column,
} from '../../../src/index.ts';

const i64 = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.constantFrom(0n, -1n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n + 1n),
);
const i32 = fc.oneof(
  fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  fc.constantFrom(0, -1, 2 ** 31 - 1, -(2 ** 31)),
);
const widest = 10n ** 38n - 1n;

/** A column of every kind, and values that it may hold. */
const kinds: readonly (readonly [string, Column, fc.Arbitrary<Value>])[] = [
  ['int32', int32(), i32],
  ['int64', int64(), i64],
  ['float64', float64(), fc.oneof(fc.double(), fc.constantFrom(Number.NaN, Infinity, -Infinity, -0, 5e-324))],
  ['decimal', decimal(18, 2), fc.bigInt({ min: -(10n ** 18n) + 1n, max: 10n ** 18n - 1n })],
  [
    'wide decimal',
    decimal(38, 10),
    fc.oneof(fc.bigInt({ min: -widest, max: widest }), fc.constantFrom(0n, -1n, widest, -widest)),
  ],
  ['text', text(), fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('', '\0', 'né', '🦊'))],
  ['boolean', boolean(), fc.boolean()],
  ['timestamp', timestamp(3), i64],
  ['timestamptz', timestamptz(), i64],
  ['date', date(), i32],
];

/** An entity whose only table has the given columns between its key and its event time. */
function entityOf(columns: Readonly<Record<string, Column>>): EntityPlan {
  const table = debezium({ prefix: 'p' }).table('public.t', {
    columns: { id: int64(), ...columns, at: timestamp() },
    primaryKey: ['id'],
    time: { event: 'at' },
  } as never);
  const view = featureView('v', {
    entity: entity('e', { key: { id: int64() } }),
    from: { t: table.by({ id: 'id' } as never) },
    features: () => ({ n: count({ inputName: 't', timed: true }).over(tumbling('5m')) }),
  });
  return buildPlan({ view }).entities[0]!;
}

const instant_us = fc.integer({ min: 0, max: 4_102_444_800_000_000 });
const mark = fc.oneof(fc.constant(-Infinity), instant_us);
const marks: fc.Arbitrary<Marks> = fc.record({ data_us: mark, clock_us: mark });
const source: fc.Arbitrary<SourceId> = fc.record({
  table: fc.constant(0),
  topicId: fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes).toString('hex')),
  partition: fc.nat(100_000),
  partitionCount: fc.nat(100_000),
});

/** Frames of a table whose rows are drawn from `row`. */
function frameOf(row: fc.Arbitrary<readonly Value[]>): fc.Arbitrary<RowsFrame> {
  const entry = fc.record({
    offset: fc.integer({ min: 0, max: 2 ** 40 }),
    operation: fc.constantFrom(...operations),
    commit_us: instant_us,
    ingest_ms: fc.integer({ min: 0, max: 4_102_444_800_000 }),
    routes: fc.integer({ min: 0, max: 2 ** 24 - 1 }),
    before: fc.option(row),
    after: fc.option(row),
  });
  return fc.record({
    kind: fc.constant('rows' as const),
    source,
    session: fc.nat(),
    number: fc.nat(),
    marks,
    rows: fc.array(entry, { maxLength: 8 }).map((rows) => rows.sort((a, b) => a.offset - b.offset)),
  });
}

test.each(kinds)('rows with a column of kind %s survive encoding and decoding', (_, column, value) => {
  const plan = entityOf({ value: column.nullable() });
  fc.assert(
    fc.property(frameOf(fc.tuple<Value[]>(i64, fc.option(value), i64)), (frame) => {
      expect(decodeEntityFrame(encodeRowsFrame(plan, frame), plan)).toEqual(frame);
    }),
    { numRuns: 300 },
  );
});

test('rows with a column of every kind survive, however many outgrow the first guess of the frame', () => {
  const plan = entityOf(Object.fromEntries(kinds.map(([name, column]) => [name.replace(' ', '_'), column.nullable()])));
  const row = fc.tuple<Value[]>(i64, ...kinds.map(([, , value]) => fc.option(value)), i64);
  fc.assert(
    fc.property(frameOf(row), (frame) => {
      expect(decodeEntityFrame(encodeRowsFrame(plan, frame), plan)).toEqual(frame);
    }),
    { numRuns: 500 },
  );
});

test('marks of any number of source partitions survive encoding and decoding', () => {
  const plan = entityOf({});
  fc.assert(
    fc.property(fc.array(fc.record({ source, marks }), { maxLength: 10 }), (sources) => {
      expect(decodeEntityFrame(encodeMarksFrame(plan, sources), plan)).toEqual({ kind: 'marks', sources });
    }),
  );
});

const plan = entityOf({ name: text().nullable(), price: decimal(38, 2).nullable() });
const name = fc.option(fc.string({ maxLength: 5 }));
const price = fc.option(fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }));
const encoded = frameOf(fc.tuple<Value[]>(i64, name, price, i64)).map((frame) => encodeRowsFrame(plan, frame));

const unreadable = expect.objectContaining({ code: 'frame-unreadable' }) as Error;

test('a frame that ends too early, wherever, is unreadable', () => {
  fc.assert(
    fc.property(encoded, (bytes) => {
      for (let length = 0; length < bytes.length; length++)
        expect(() => decodeEntityFrame(bytes.subarray(0, length), plan)).toThrow(unreadable);
    }),
    { numRuns: 30 },
  );
});

test('a frame of another format version is unreadable, and the message says both', () => {
  fc.assert(
    fc.property(encoded, fc.integer({ min: 0, max: 255 }), (bytes, version) => {
      fc.pre(version !== 1);
      bytes[0] = version;
      const decode = (): unknown => decodeEntityFrame(bytes, plan);
      expect(decode).toThrow(unreadable);
      expect(decode).toThrow(`entity-log frame of entity e: format version ${version}; this build reads 1`);
    }),
  );
});

test('a frame of another column set is unreadable', () => {
  const other = entityOf({ name: text(), price: decimal(38, 2).nullable() });
  fc.assert(
    fc.property(encoded, (bytes) => {
      expect(() => decodeEntityFrame(bytes, other)).toThrow(unreadable);
    }),
  );
});

test('bytes with some of them changed are a frame, or unreadable', () => {
  const change = fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }));
  fc.assert(
    fc.property(encoded, fc.array(change, { minLength: 1, maxLength: 4 }), (bytes, changes) => {
      for (const [at, value] of changes) bytes[at % bytes.length] = value;
      try {
        expect(decodeEntityFrame(bytes, plan)).toHaveProperty('kind');
      } catch (error) {
        expect(error).toBeInstanceOf(MillraceError);
        expect(error).toEqual(unreadable);
      }
    }),
    { numRuns: 1000 },
  );
});
