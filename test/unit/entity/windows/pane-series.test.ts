import fc from 'fast-check';
import { expect, test } from 'vitest';
import { resultOf } from '../../../../src/entity/aggregates/results.ts';
import { PaneSeries } from '../../../../src/entity/windows/pane-series.ts';
import { lowestPane, hasOnePane, paneIndex, type PaneWindow } from '../../../../src/entity/windows/pane-range.ts';
import type { Moment, ViewRow } from '../../../../src/entity/windows/series.ts';
import type { PaneSeriesLayout } from '../../../../src/entity/windows/view-layout.ts';
import { ByteReader, ByteWriter } from '../../../../src/frames/bytes.ts';

/** Four windows over panes of 10. */
const windows: readonly PaneWindow[] = [
  { kind: 'tumbling', size_us: 10 },
  { kind: 'hopping', size_us: 30, hop_us: 10 },
  { kind: 'sliding', size_us: 25, resolution_us: 10 },
  { kind: 'sliding', size_us: 400, resolution_us: 10 },
];
const layout: PaneSeriesLayout = {
  kind: 'panes',
  width_us: 10,
  chunkPanes: 3,
  aggregates: [
    { id: 'count', input: 0, state: { kind: 'count' }, value: null, where: null },
    {
      id: 'max',
      input: 0,
      state: { kind: 'values', type: { kind: 'int64' }, keep: null },
      value: (row) => row[0]!,
      where: (row) => (row[0] as bigint) % 3n !== 0n,
    },
  ],
  byInput: [[0, 1]],
  keepsSingles: true,
  keepsOrder: false,
  windows: windows.map((window) => {
    const features = [
      { slot: 0, aggregate: 0 },
      { slot: 1, aggregate: 1 },
    ];
    return { window, features, aggregates: [0, 1], hasOnePane: hasOnePane(window) };
  }),
};

interface Fact {
  readonly time: number;
  readonly value: bigint;
}

const row = ({ time, value }: Fact): ViewRow => {
  return { input: 0, eventTime_us: time, reach_us: time, row: [value], primaryKey: [value] };
};

function read(series: PaneSeries, asOf_us: number): unknown[] {
  return windows.map((_, w) => {
    const [counted, max] = [0, 1].map((aggregate) => series.aggregateOf(w, aggregate, asOf_us));
    return [
      counted ? resultOf({ function: 'count' }, counted, asOf_us) : 0n,
      max ? resultOf({ function: 'max' }, max, asOf_us) : null,
    ];
  });
}

function recount(facts: readonly Fact[], asOf_us: number): unknown[] {
  return windows.map((window) => {
    const own = facts.filter(({ time }) => time <= asOf_us && paneIndex(time, 10) >= lowestPane(window, asOf_us));
    const kept = own.map(({ value }) => value).filter((value) => value % 3n !== 0n);
    return [BigInt(own.length), kept.length === 0 ? null : kept.reduce((a, b) => (a > b ? a : b))];
  });
}

test('windows of several kinds over the same panes: rows, retractions, time and restarts give what a recount gives', () => {
  const step = fc.record({
    kind: fc.oneof(
      { weight: 6, arbitrary: fc.constant('insert') },
      { weight: 5, arbitrary: fc.constantFrom('retract', 'undo', 'time', 'commit', 'restart') },
    ),
    by: fc.oneof(fc.nat(60), fc.nat(4)),
    value: fc.nat(1000),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80, size: 'max' }), (steps) => {
      let series = new PaneSeries(layout);
      let facts: Fact[] = [];
      const stored: Stored = { own: Buffer.alloc(0), chunks: new Map() };
      let [asOf_us, publishedAsOf_us] = [1000, -Infinity];
      const moment = (): Moment => {
        const marks = { data_us: -Infinity, clock_us: -Infinity };
        return { asOf_us, publishedAsOf_us, marks, allowedLateness_us: 0 };
      };
      for (const { kind, by, value } of steps) {
        if (kind === 'commit') commit(series, stored);
        if (kind === 'restart') {
          commit(series, stored);
          series = restored(stored);
        }
        if (kind === 'time') asOf_us += by;
        const before = JSON.stringify(recount(facts, publishedAsOf_us).map(String));
        const moved = series.advance(moment());
        if (JSON.stringify(recount(facts, asOf_us).map(String)) !== before && publishedAsOf_us > 0)
          expect(moved).toBe(true);
        if (kind === 'insert') {
          const fact = { time: Math.max(0, asOf_us - by * 9), value: BigInt(value) };
          const fate = series.insert(row(fact), moment());
          if (fate === 'applied') facts.push(fact);
          else expect(windows.every((window) => paneIndex(fact.time, 10) < lowestPane(window, asOf_us))).toBe(true);
        }
        if ((kind === 'retract' || kind === 'undo') && facts.length > 0) {
          const newest = facts.reduce((a, b) => (b.time > a.time ? b : a));
          const gone = kind === 'undo' ? newest : facts[value % facts.length]!;
          const isHeld = windows.some((window) => paneIndex(gone.time, 10) >= lowestPane(window, asOf_us));
          expect(series.retract(row(gone), moment())).toBe(isHeld ? 'applied' : 'passed');
          facts = facts.filter((fact) => fact !== gone);
        }
        expect(read(series, asOf_us)).toEqual(recount(facts, asOf_us));
        // Else no timer comes to what it holds.
        expect(series.isEmpty || series.nextChange_us() < Infinity).toBe(true);
        publishedAsOf_us = asOf_us;
      }
    }),
    { numRuns: 1000 },
  );
});

test('a pane that has left all windows goes with the last one of its chunk that is read, also when that one is taken back', () => {
  const series = new PaneSeries(layout);
  const moment = (asOf_us: number): Moment => {
    const marks = { data_us: -Infinity, clock_us: -Infinity };
    return { asOf_us, publishedAsOf_us: asOf_us, marks, allowedLateness_us: 0 };
  };
  const [older, newer] = [row({ time: 1000, value: 1n }), row({ time: 1015, value: 2n })];
  series.advance(moment(1015));
  series.insert(older, moment(1015));
  series.insert(newer, moment(1015));
  series.advance(moment(1410));
  expect(series.retract(older, moment(1410))).toBe('passed');
  expect(series.retract(newer, moment(1410))).toBe('applied');
  expect(series.isEmpty).toBe(true);
});

/** What commits left. */
interface Stored {
  own: Buffer;
  readonly chunks: Map<number, Buffer>;
}

/** @returns how many entries beside the key's own it changed. */
function commit(series: PaneSeries, stored: Stored): number {
  const out = new ByteWriter();
  series.write(out);
  stored.own = out.take();
  let changes = 0;
  series.takeChunks(out, (chunk, value) => {
    changes++;
    if (value === null) stored.chunks.delete(chunk);
    else stored.chunks.set(chunk, value);
  });
  return changes;
}

function restored({ own, chunks }: Stored): PaneSeries {
  const series = new PaneSeries(layout);
  series.read(new ByteReader(own));
  for (const [chunk, value] of chunks) series.readChunk(chunk, value);
  return series;
}

test('a commit after the newest pane has gone, where those before it are packed', () => {
  const series = new PaneSeries(layout);
  const stored: Stored = { own: Buffer.alloc(0), chunks: new Map() };
  const marks = { data_us: -Infinity, clock_us: -Infinity };
  const moment: Moment = { asOf_us: 400, publishedAsOf_us: -Infinity, marks, allowedLateness_us: 0 };
  const facts = Array.from({ length: 12 }, (_, i) => ({ time: 200 + 10 * i, value: BigInt(i) }));
  series.advance(moment);
  for (const fact of facts) {
    expect(series.insert(row(fact), moment)).toBe('applied');
    commit(series, stored);
  }
  for (let fact = facts.pop(); fact !== undefined; fact = facts.pop()) {
    expect(series.retract(row(fact), moment)).toBe('applied');
    commit(series, stored);
    const again = restored(stored);
    again.advance({ ...moment, publishedAsOf_us: 400 });
    expect(read(again, 400)).toEqual(recount(facts, 400));
  }
});

test("a row of a long window writes the key's own entry alone, until the newest chunk is full", () => {
  const series = new PaneSeries(layout);
  const stored: Stored = { own: Buffer.alloc(0), chunks: new Map() };
  const marks = { data_us: -Infinity, clock_us: -Infinity };
  const moment: Moment = { asOf_us: 400, publishedAsOf_us: -Infinity, marks, allowedLateness_us: 0 };
  series.advance(moment);
  const written: number[] = [];
  // Three panes a chunk; the newest one is never in an entry of its own.
  for (let pane = 0; pane < 18; pane++) {
    series.insert(row({ time: 210 + 10 * pane, value: BigInt(pane) }), moment);
    written.push(commit(series, stored));
    expect(stored.chunks.size).toBe(pane < 8 ? 0 : Math.floor(pane / 3));
  }
  expect(written).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 2, 1, 0, 0, 1, 0, 0, 1, 0, 0]);
});

test("the newest chunk is taken back: the one before it comes into the key's own entry, and its own is removed", () => {
  const series = new PaneSeries(layout);
  const stored: Stored = { own: Buffer.alloc(0), chunks: new Map() };
  const marks = { data_us: -Infinity, clock_us: -Infinity };
  const moment: Moment = { asOf_us: 400, publishedAsOf_us: -Infinity, marks, allowedLateness_us: 0 };
  const facts = Array.from({ length: 13 }, (_, i) => ({ time: 210 + 10 * i, value: BigInt(i) }));
  series.advance(moment);
  for (const fact of facts) series.insert(row(fact), moment);
  commit(series, stored);
  expect([...stored.chunks.keys()]).toEqual([7, 8, 9, 10]);
  series.retract(row(facts.pop()!), moment);
  commit(series, stored);
  expect([...stored.chunks.keys()]).toEqual([7, 8, 9]);
  const again = restored(stored);
  again.advance({ ...moment, publishedAsOf_us: 400 });
  expect(read(again, 400)).toEqual(recount(facts, 400));
});

test("the key's own entry names the chunks beside it, whether they follow each other or not", () => {
  const marks = { data_us: -Infinity, clock_us: -Infinity };
  const moment: Moment = { asOf_us: 400, publishedAsOf_us: -Infinity, marks, allowedLateness_us: 0 };
  const named = (times: readonly number[]): number[] => {
    const series = new PaneSeries(layout);
    const stored: Stored = { own: Buffer.alloc(0), chunks: new Map() };
    series.advance(moment);
    for (const time of times) series.insert(row({ time, value: 1n }), moment);
    commit(series, stored);
    const again = new PaneSeries(layout);
    again.read(new ByteReader(stored.own));
    expect([...again.storedChunks]).toEqual([...stored.chunks.keys()]);
    expect(() => {
      again.readChunk(1_000, stored.chunks.values().next().value!);
    }).toThrow('chunk 1000 is not one of those');
    return [...again.storedChunks];
  };
  const pane = (index: number): number => 10 * index;
  expect(named([21, 22, 23, 24, 25, 26, 27, 28, 29, 30].map(pane))).toEqual([7, 8, 9]);
  expect(named([21, 22, 23, 27, 28, 29, 30, 36, 37, 38].map(pane))).toEqual([7, 9, 10]);
});

test('what is kept of the panes that have left follows from T, whenever it was restored (simulation, seed 901)', () => {
  const marks = { data_us: -Infinity, clock_us: -Infinity };
  const moment = (asOf_us: number, publishedAsOf_us: number): Moment => {
    return { asOf_us, publishedAsOf_us, marks, allowedLateness_us: 0 };
  };
  const begun = new PaneSeries(layout);
  const stored: Stored = { own: Buffer.alloc(0), chunks: new Map() };
  begun.advance(moment(390, -Infinity));
  // The first chunk has panes 0 to 2, of which only 0 is there.
  for (const time of [0, 150, 160, 170, 180, 190, 200, 210, 220, 230])
    begun.insert(row({ time, value: 1n }), moment(390, -Infinity));
  commit(begun, stored);
  const again = restored(stored);
  const last = [begun, again].map((series) => {
    // Pane 0 leaves while its chunk is still read; nothing leaves when the chunk is read no more.
    if (series === begun) series.advance(moment(410, 390));
    series.advance(moment(430, 390));
    const now: Stored = { own: Buffer.alloc(0), chunks: new Map(stored.chunks) };
    commit(series, now);
    return { own: now.own.toString('hex'), chunks: [...now.chunks.keys()].sort((a, b) => a - b) };
  });
  expect(last[0]).toEqual(last[1]);
  expect(last[0]!.chunks).toEqual([5, 6]);
});
