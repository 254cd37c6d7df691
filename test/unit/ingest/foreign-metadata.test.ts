import { expect, test } from 'vitest';
import { SourceStoppedError } from '../../../src/errors.ts';
import { formatHighWater, noHighWater, parseHighWater } from '../../../src/ingest/high-water.ts';
import { SourceMarks } from '../../../src/ingest/source-marks.ts';
import { hash64 } from '../../../src/util/hash.ts';
import { transactionsPlan } from '../../support/shop.ts';

test.each(['2;x;y;z;1;2;3;', '2;abc;;1;;1;1;1;xx;yy;zz', '2;1;;0;;0;1;1;NaN;1;', '3;1;;0;;0;0;0;0;0;'])(
  'metadata %s was written by another program: the source stops',
  (text) => {
    expect(() => parseHighWater(text)).toThrow(SourceStoppedError);
  },
);

test('the message of a transaction with too many rows says how many can be remembered', () => {
  const source = {
    topicId: '00112233445566778899aabbccddeeff',
    partitionCount: 100,
    readers: ['01234567', '89abcdef'],
  };
  const of = (rows: number): string =>
    formatHighWater({
      ...noHighWater,
      ...source,
      seen: new Set(Array.from({ length: rows }, (_, i) => hash64(String(i)))),
    });
  expect(of(350).length).toBeLessThanOrEqual(4000);
  expect(() => of(380)).toThrow(/about 350/);
});

test('a connector whose heartbeats stopped holds back the data mark', () => {
  const start_us = 1_800_000_000_000_000;
  const marks = new SourceMarks(transactionsPlan.time, start_us);
  const now_ms = start_us / 1000 + 7_200_000;
  marks.caughtUp(now_ms, now_ms - 10_000, start_us / 1000);
  expect(marks.marks.data_us).toBe(start_us - 5_000_000);
});
