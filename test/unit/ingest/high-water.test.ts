import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { SourceStoppedError } from '../../../src/errors.ts';
import {
  formatHighWater,
  metadataLimit_bytes,
  noHighWater,
  parseHighWater,
  type HighWater,
} from '../../../src/ingest/high-water.ts';
import { hash64 } from '../../../src/util/hash.ts';

const topicId = '00112233445566778899aabbccddeeff';
const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const time = fc.oneof(fc.constant(-Infinity), fc.integer({ min: 0, max: 4_102_444_800_000_000 }));
const highWater: fc.Arbitrary<HighWater> = fc.record({
  sequence: fc.tuple(uint64, uint64),
  commit_us: time,
  seen: fc.array(fc.string().map(hash64), { maxLength: 300 }).map((hashes) => new Set(hashes)),
  ...{
    topicId: fc.constantFrom('', topicId),
    partitionCount: fc.nat(),
    readers: fc.subarray(['00000000', 'ffffffff']),
  },
  snapshotEnd: fc.maxSafeNat(),
  eventTime_us: time,
  session: fc.nat(),
});

test('a high-water mark survives the metadata of a commit', () => {
  fc.assert(
    fc.property(highWater, (high) => {
      expect(parseHighWater(formatHighWater(high))).toEqual(high);
    }),
  );
});

test('the first mark of all survives, too', () => {
  expect(parseHighWater(formatHighWater(noHighWater))).toEqual(noHighWater);
});

test('it is ASCII and fits into what a commit can carry, a heap page of rows at one LSN included', () => {
  const largest = 2n ** 64n - 1n;
  const text = formatHighWater({
    sequence: [largest, largest],
    commit_us: 4_102_444_800_000_000,
    seen: new Set(Array.from({ length: 300 }, (_, i) => hash64(`c${i}`))),
    ...{ topicId, partitionCount: 1000, readers: Array.from({ length: 10 }, () => 'ffffffff') },
    snapshotEnd: Number.MAX_SAFE_INTEGER,
    eventTime_us: 4_102_444_800_000_000,
    session: 1_000_000,
  });
  expect(text).toMatch(/^[\x20-\x7e]+$/);
  expect(text.length).toBeLessThanOrEqual(metadataLimit_bytes);
});

test('more rows at one LSN than a commit can remember stop the source with the LSN and what to do', () => {
  const seen = new Set(Array.from({ length: 500 }, (_, i) => hash64(`c${i}`)));
  const format = (): string => formatHighWater({ ...noHighWater, sequence: [5n, 7n], seen });
  expect(format).toThrow(SourceStoppedError);
  expect(format).toThrow(/^500 rows share the LSN 7; .* raise the generation after the load$/);
});

test.each(['', 'hello', '0;1;;0;;0;0;0;0;0;', '1;1;0;0;0;0;0;', '2;1;;0;;0;0;0;0;0', '{"offset":5}'])(
  'the metadata "%s" of another program or version stops the source',
  (text) => {
    expect(() => parseHighWater(text)).toThrow(SourceStoppedError);
    expect(() => parseHighWater(text)).toThrow(/metadata of another format.*MILLRACE_APPLICATION_ID/);
  },
);
