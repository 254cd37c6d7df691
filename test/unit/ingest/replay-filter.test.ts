import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { RowChange } from '../../../src/cdc/row-change.ts';
import { SourceStoppedError } from '../../../src/errors.ts';
import { formatHighWater, noHighWater, parseHighWater } from '../../../src/ingest/high-water.ts';
import { ReplayFilter } from '../../../src/ingest/replay-filter.ts';

interface Streamed {
  readonly key: string;
  readonly change: RowChange;
}

function streamed(
  sequence: readonly [number, number],
  key: string,
  commit_us: number,
  operation: 'c' | 'u' | 'd' = 'c',
): Streamed {
  const change: RowChange = {
    kind: 'row',
    operation,
    before: null,
    after: null,
    commit_us,
    snapshot: 'streamed',
    sequence: [BigInt(sequence[0]), BigInt(sequence[1])],
    lsn: BigInt(sequence[1]),
  };
  return { key, change };
}

const isNews = (filter: ReplayFilter, { change, key }: Streamed): boolean => !filter.isReplay(change, key);

/** The filter of a new owner of the partition. */
function reopened(filter: ReplayFilter): ReplayFilter {
  return new ReplayFilter(parseHighWater(formatHighWater({ ...noHighWater, ...filter.state })));
}

test('what is above the high-water mark is news, the first row of all included', () => {
  const filter = new ReplayFilter(noHighWater);
  expect(filter.hasStreamed).toBe(false);
  const rows = [streamed([0, 0], 'a', 1), streamed([0, 9], 'a', 2), streamed([1, 2], 'a', 2), streamed([2, 1], 'a', 3)];
  expect(rows.map((row) => isNews(filter, row))).toEqual([true, true, true, true]);
  expect(filter.hasStreamed).toBe(true);
});

test('what is below it is a replay, by the first position and then by the second', () => {
  const filter = new ReplayFilter(noHighWater);
  filter.isReplay(streamed([5, 5], 'a', 10).change, 'a');
  const rows = [streamed([5, 4], 'new', 10), streamed([4, 9], 'new', 9)];
  expect(rows.map((row) => isNews(filter, row))).toEqual([false, false]);
});

test('log positions of 64 bits are told apart', () => {
  const filter = new ReplayFilter({ ...noHighWater, sequence: [0n, 2n ** 63n], commit_us: 1 });
  const above = { ...streamed([0, 0], 'a', 1).change, sequence: [0n, 2n ** 63n + 1n] as const };
  const below = { ...above, sequence: [0n, 2n ** 63n] as const };
  expect(filter.isReplay(above, 'a')).toBe(false);
  expect(filter.isReplay(below, 'b')).toBe(true);
});

test('rows of one statement share a position: each (primary key, operation) is news once', () => {
  const filter = new ReplayFilter(noHighWater);
  const rows = [
    streamed([1, 1], 'a', 5),
    streamed([1, 1], 'b', 5),
    streamed([1, 1], 'a', 5),
    streamed([1, 1], 'a', 5, 'd'),
    streamed([1, 1], 'b', 5),
  ];
  expect(rows.map((row) => isNews(filter, row))).toEqual([true, true, false, true, false]);
});

test('only what was seen at the mark itself is remembered', () => {
  const filter = new ReplayFilter(noHighWater);
  for (const key of ['a', 'b', 'c']) filter.isReplay(streamed([1, 1], key, 5).change, key);
  expect(filter.state.seen.size).toBe(3);
  filter.isReplay(streamed([1, 2], 'd', 5).change, 'd');
  expect(filter.state.seen.size).toBe(1);
});

test('a lower position with a newer commit time means that the log went back, and stops the source', () => {
  const filter = new ReplayFilter(noHighWater);
  filter.isReplay(streamed([5, 5], 'a', 10).change, 'a');
  const back = (): boolean => filter.isReplay(streamed([4, 4], 'a', 11).change, 'a');
  expect(back).toThrow(SourceStoppedError);
  expect(back).toThrow(/went back from \[5, 5\] to \[4, 4\].*Raise the generation/);
});

test('the newest commit time does not go back with a row that committed earlier', () => {
  const filter = new ReplayFilter(noHighWater);
  filter.isReplay(streamed([5, 5], 'a', 10).change, 'a');
  filter.isReplay(streamed([6, 6], 'a', 8).change, 'a');
  expect(filter.state.commit_us).toBe(10);
  expect(isNews(filter, streamed([4, 4], 'a', 10))).toBe(false);
});

/** A source partition in the order of its log: statements of one or more rows, each at one position. */
const log = fc
  .array(fc.record({ rows: fc.integer({ min: 1, max: 4 }), pass: fc.nat(2), keepsFirst: fc.boolean() }), {
    minLength: 1,
    maxLength: 12,
  })
  .map((statements) => {
    let [first, second, commit_us] = [1, 1, 1000];
    return statements.flatMap(({ rows, pass, keepsFirst }) => {
      commit_us += pass;
      if (keepsFirst) second++;
      else [first, second] = [first + 1, 1];
      return Array.from({ length: rows }, (_, i) => streamed([first, second], `row ${i}`, commit_us));
    });
  });

/** What Debezium sends when it is killed again and again: each time it goes on from some row before. */
function delivered(rows: readonly Streamed[], crashes: readonly (readonly [number, number])[]): Streamed[] {
  let sent = 0;
  const records: Streamed[] = [];
  for (const [alive, back] of crashes) {
    const until = Math.min(rows.length, sent + alive);
    records.push(...rows.slice(sent, until));
    sent = Math.max(0, until - back);
  }
  return [...records, ...rows.slice(sent)];
}

const crashes = fc.array(fc.tuple(fc.nat(10), fc.nat(20)), { maxLength: 5 });

test('whatever a crashing connector repeats, each row is accepted once and in order', () => {
  fc.assert(
    fc.property(log, crashes, (rows, crashed) => {
      const filter = new ReplayFilter(noHighWater);
      expect(delivered(rows, crashed).filter((row) => isNews(filter, row))).toEqual(rows);
    }),
  );
});

test('an owner that takes over anywhere decides as the one before would have', () => {
  fc.assert(
    fc.property(
      log,
      crashes,
      fc.array(fc.boolean(), { minLength: 100, maxLength: 100 }),
      (rows, crashed, takeovers) => {
        let filter = new ReplayFilter(noHighWater);
        const accepted = delivered(rows, crashed).filter((row, i) => {
          if (takeovers[i % takeovers.length]) filter = reopened(filter);
          return isNews(filter, row);
        });
        expect(accepted).toEqual(rows);
      },
    ),
  );
});
