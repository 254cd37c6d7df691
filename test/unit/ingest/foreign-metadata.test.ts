import { expect, test } from 'vitest';
import { SourceStoppedError } from '../../../src/errors.ts';
import { formatHighWater, noHighWater, parseHighWater } from '../../../src/ingest/high-water.ts';
import { SourceMarks } from '../../../src/ingest/source-marks.ts';
import { hash64 } from '../../../src/util/hash.ts';
import { transactionsPlan } from '../../support/shop.ts';

test.each(['1;x;y;z;1;2;3;', '1;abc;1;1;1;xx;yy;zz', '1;1;1;1;1;NaN;1;', '2;1;1;1;1;1;1;'])(
  'metadata %s was written by another program: the source stops',
  (text) => {
    expect(() => parseHighWater(text)).toThrow(SourceStoppedError);
  },
);

test('the message of a transaction with too many rows says how many can be remembered', () => {
  const of = (rows: number): string =>
    formatHighWater({ ...noHighWater, seen: new Set(Array.from({ length: rows }, (_, i) => hash64(String(i)))) });
  expect(of(360).length).toBeLessThanOrEqual(4000);
  expect(() => of(380)).toThrow(/about 370/);
});

test('a connector whose heartbeats stopped holds back the data mark', () => {
  const start_us = 1_800_000_000_000_000;
  const marks = new SourceMarks(transactionsPlan.time, start_us);
  const now_ms = start_us / 1000 + 7_200_000;
  marks.caughtUp(now_ms, now_ms - 10_000, start_us / 1000);
  expect(marks.marks.data_us).toBe(start_us - 5_000_000);
});
