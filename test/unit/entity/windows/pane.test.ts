import { expect, test } from 'vitest';
import type { AggregatePlan, AggregateState } from '../../../../src/define/plan.ts';
import { createAggregate } from '../../../../src/entity/aggregates/create-aggregate.ts';
import { Pane } from '../../../../src/entity/windows/pane.ts';
import { ByteReader, ByteWriter } from '../../../../src/frames/bytes.ts';

const planOf = (state: AggregateState): AggregatePlan => ({
  id: state.kind,
  input: 0,
  state,
  value: null,
  where: null,
});
const int64 = { kind: 'int64' } as const;
const float64 = { kind: 'float64' } as const;
const plain = [
  planOf({ kind: 'count' }),
  planOf({ kind: 'sum', type: int64 }),
  planOf({ kind: 'values', type: int64, keep: null }),
  planOf({ kind: 'frequencies', type: { kind: 'text' } }),
];

function written(pane: Pane): string {
  const out = new ByteWriter();
  pane.write(out, 0);
  return out.take().toString('hex');
}

function again(pane: Pane, plans: readonly AggregatePlan[]): Pane {
  const from = new ByteReader(Buffer.from(written(pane), 'hex'));
  const read = Pane.read(from, from.zigzag(), plans);
  expect(from.remaining_bytes).toBe(0);
  return read;
}

test.each([
  ['all values', plain, [true, 7n, -3n, 'a']],
  ['what filters leave out', plain, [null, null, 0n, null]],
  [
    'a kind that is read whole behind others',
    [...plain, planOf({ kind: 'sum', type: float64 })],
    [true, 7n, 2n, 'b', 1.5],
  ],
])('a pane of one row is written, read and written as the same bytes: %s', (_, plans, values) => {
  const pane = new Pane(5, plans);
  pane.takeSingle(values, null);
  const read = again(pane, plans);
  expect(written(read)).toBe(written(pane));
  // As its window takes it, and as aggregates.
  const windows = [pane, read].map((each) => {
    const window = plans.map(({ state }) => createAggregate(state, 'window'));
    each.addTo(window);
    const out = new ByteWriter();
    for (const aggregate of window) aggregate.write(out);
    each.subtractFrom(window);
    expect(window.every(({ isEmpty }) => isEmpty)).toBe(true);
    return out.take().toString('hex');
  });
  expect(windows[1]).toBe(windows[0]);
  expect(read.aggregates).toHaveLength(plans.length);
  expect(written(read)).toBe(written(pane));
});

test.each(plain.map(({ id }, more) => ({ id, more })))(
  'a pane of one row in which more is left, since what was taken back had never been there, keeps all of it: $id',
  ({ more }) => {
    const pane = new Pane(5, plain);
    pane.rows = 1;
    const place = { eventTime_us: 0, primaryKey: [] };
    const twice = [
      [true, true],
      [1n, 1n],
      [4n, 9n],
      ['x', 'x'],
    ];
    for (const [i, values] of twice.entries())
      for (const value of i === more ? values : values.slice(1)) pane.aggregates[i]!.insert(value, place, null);
    expect(written(again(pane, plain))).toBe(written(pane));
  },
);
