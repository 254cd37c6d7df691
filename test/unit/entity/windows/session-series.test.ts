import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { resultOf } from '../../../../src/entity/aggregates/results.ts';
import { SessionSeries } from '../../../../src/entity/windows/session-series.ts';
import type { Moment, ViewRow } from '../../../../src/entity/windows/series.ts';
import type { SessionSeriesLayout } from '../../../../src/entity/windows/view-layout.ts';
import { ByteReader, ByteWriter } from '../../../../src/frames/bytes.ts';

const gap_us = 10;
const layout: SessionSeriesLayout = {
  kind: 'session',
  input: 0,
  aggregates: [{ id: 'count', input: 0, state: { kind: 'count' }, value: null, where: null }],
  byInput: [[0]],
  keepsSingles: true,
  keepsOrder: false,
  windows: [
    { window: { kind: 'session', gap_us }, features: [{ slot: 0, aggregate: 0 }], aggregates: [0], hasOnePane: false },
  ],
};

const row = (eventTime_us: number, id = eventTime_us): ViewRow => {
  return { input: 0, eventTime_us, reach_us: eventTime_us, row: [], primaryKey: [BigInt(id)] };
};
const at = (asOf_us: number, data_us = -Infinity): Moment => {
  return { asOf_us, publishedAsOf_us: -Infinity, marks: { data_us, clock_us: data_us }, allowedLateness_us: 0 };
};

function countAt(series: SessionSeries, asOf_us: number): bigint {
  const aggregate = series.aggregateOf(0, 0, asOf_us);
  return aggregate === null ? 0n : (resultOf({ function: 'count' }, aggregate, asOf_us) as bigint);
}

/** How many rows are in the gap-closed run that T is in. */
function recount(times: readonly number[], asOf_us: number): bigint {
  const sorted = [...times].filter((time) => time <= asOf_us).sort((a, b) => a - b);
  let run: number[] = [];
  for (const time of sorted) run = run.length > 0 && time - run.at(-1)! >= gap_us ? [time] : [...run, time];
  return run.length > 0 && asOf_us < run.at(-1)! + gap_us ? BigInt(run.length) : 0n;
}

describe('sessions', () => {
  test('rows and retractions in any order: the run that T is in is that of the rows that are there', () => {
    const step = fc.record({ time: fc.nat(120), retract: fc.boolean(), stored: fc.integer({ min: 0, max: 9 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let series = new SessionSeries(layout);
        const times: number[] = [];
        for (const { time, retract, stored } of steps) {
          series.advance(at(120));
          if (retract && times.length > 0) {
            const [gone] = times.splice(time % times.length, 1);
            expect(series.retract(row(gone!), at(120))).toBe('applied');
          } else {
            times.push(time);
            expect(series.insert(row(time), at(120))).toBe('applied');
          }
          if (stored === 0) series = again(series);
          expect(countAt(series, 120)).toBe(recount(times, 120));
        }
      }),
      { numRuns: 1000 },
    );
  });

  test('a row between two runs joins them, and taking it back parts them', () => {
    const series = new SessionSeries(layout);
    for (const time of [0, 5, 18, 20]) series.insert(row(time), at(20));
    expect(countAt(series, 20)).toBe(2n);
    series.insert(row(12), at(20));
    expect(countAt(series, 20)).toBe(5n);
    series.retract(row(12), at(20));
    expect(countAt(series, 20)).toBe(2n);
  });

  test('a gap of exactly the length parts two runs', () => {
    const series = new SessionSeries(layout);
    series.insert(row(0), at(10));
    series.insert(row(10), at(10));
    expect(countAt(series, 10)).toBe(1n);
  });

  test('the run is over a gap after its last row, and its end is told once', () => {
    const series = new SessionSeries(layout);
    series.insert(row(3), at(3));
    expect(series.nextChange_us(at(3))).toBe(13);
    expect(countAt(series, 12)).toBe(1n);
    expect(series.advance({ ...at(13), publishedAsOf_us: 3 })).toBe(true);
    expect(countAt(series, 13)).toBe(0n);
    expect(series.advance({ ...at(14), publishedAsOf_us: 13 })).toBe(false);
  });

  test('a row is late when time has passed it and it touches no run; runs are forgotten when no row can reach them', () => {
    const series = new SessionSeries(layout);
    series.insert(row(0), at(0));
    series.insert(row(30), at(30));
    expect(series.insert(row(15), at(30, 25)), 'passed by, touches nothing').toBe('late');
    expect(series.insert(row(9), at(30, 19)), 'touches the first run').toBe('applied');
    expect(series.insert(row(8), at(60, 28)), 'touches it, but is too old').toBe('late');
    series.advance(at(60, 39));
    expect(series.retract(row(0), at(60, 39)), 'the first run is forgotten').toBe('late');
    series.advance(at(80, 60));
    expect(series.isEmpty).toBe(true);
  });
});

/** As it is after a restart. */
function again(series: SessionSeries): SessionSeries {
  const out = new ByteWriter();
  series.write(out);
  const restored = new SessionSeries(layout);
  restored.read(new ByteReader(out.take()));
  series.takeChunks(out, (chunk, value) => {
    if (value !== null) restored.readChunk(chunk, value);
  });
  return restored;
}
