import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  readBigint,
  readScalar,
  readTagged,
  writeBigint,
  writeScalar,
  writeTagged,
} from '../../../../src/entity/aggregates/scalar-codec.ts';
import { ByteReader, ByteWriter } from '../../../../src/frames/bytes.ts';

const integers = fc.oneof(
  fc.bigInt({ min: -(2n ** 140n), max: 2n ** 140n }),
  fc
    .tuple(fc.nat(140), fc.bigInt({ min: -3n, max: 3n }), fc.constantFrom(1n, -1n))
    .map(([exponent, near, sign]) => sign * 2n ** BigInt(exponent) + near),
);
const parts = fc.oneof(integers, fc.double(), fc.integer(), fc.string({ unit: 'binary' }), fc.boolean());

function survives<T>(value: T, write: (out: ByteWriter) => void, read: (from: ByteReader) => T): void {
  const out = new ByteWriter();
  write(out);
  const from = new ByteReader(out.take());
  expect(read(from)).toEqual(value);
  expect(from.remaining_bytes).toBe(0);
}

test('integers of any size survive', () => {
  fc.assert(
    fc.property(integers, (value) => {
      survives(value, (out) => writeBigint(out, value), readBigint);
    }),
    { numRuns: 2000 },
  );
});

test('parts of primary keys survive with their type', () => {
  fc.assert(
    fc.property(parts, (value) => {
      fc.pre(!Object.is(value, -0));
      survives(value, (out) => writeTagged(out, value), readTagged);
    }),
    { numRuns: 2000 },
  );
  expect(() => readTagged(new ByteReader(Buffer.from([9])))).toThrow('9 is no tag of a scalar');
});

test('values survive in a few bytes', () => {
  for (const [kind, value, size] of [
    ['int32', -3, 1],
    ['date', 19_000, 3],
    ['int64', 1n, 1],
    ['timestamptz', 1_714_557_600_123_456n, 8],
    ['float64', 0.1, 8],
    ['boolean', true, 1],
    ['text', 'é', 3],
  ] as const) {
    const out = new ByteWriter();
    writeScalar(out, value, { kind });
    expect(out.size_bytes).toBe(size);
    expect(readScalar(new ByteReader(out.take()), { kind })).toBe(value);
  }
});
