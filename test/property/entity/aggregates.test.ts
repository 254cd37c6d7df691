/** Every kind of aggregate, in panes and in a window over them, against a recount of the rows. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ColumnType, Scalar, Value } from '../../../src/define/column.ts';
import type { AggregateState, ResultPlan } from '../../../src/define/plan.ts';
import { createAggregate } from '../../../src/entity/aggregates/create-aggregate.ts';
import { resultOf } from '../../../src/entity/aggregates/results.ts';
import { isTakenAsValue, subtractWritten, writeSingle } from '../../../src/entity/aggregates/single-value.ts';
import { ByteReader, ByteWriter } from '../../../src/frames/bytes.ts';
import { alone, bytesOf, Panes, rowAt } from '../../support/aggregate-panes.ts';
import { recount, type CountedRow } from '../../support/aggregate-recount.ts';

const asOf_us = 10_000_000;
const paneCount = 3;

interface ValueKind {
  readonly type: ColumnType;
  /** Digits behind the point; null for doubles, as in {@link ResultPlan}. */
  readonly scale: number | null;
  readonly value: fc.Arbitrary<Scalar>;
}

const widest = 10n ** 38n - 1n;
const doubles = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: -300, max: 300 }).map((cents) => cents / 100) },
  { weight: 2, arbitrary: fc.double({ noDefaultInfinity: true, noNaN: true }) },
  fc.tuple(fc.integer({ min: -1074, max: 1023 }), fc.constantFrom(1, -1)).map(([e, sign]) => sign * 2 ** e),
  fc.constantFrom(0, -0, 5e-324, -5e-324, Number.MAX_VALUE, -Number.MAX_VALUE, 2 ** 53, 1, 2 ** -53, 2 ** 960, 1e-160),
);
const wildDoubles = fc.oneof({ weight: 6, arbitrary: doubles }, fc.constantFrom(Infinity, -Infinity, Number.NaN));
const small = fc.bigInt({ min: -9n, max: 9n });

const kinds = {
  int32: {
    type: { kind: 'int32' },
    scale: 0,
    value: fc.oneof(fc.integer({ min: -9, max: 9 }), fc.constantFrom(-(2 ** 31), 2 ** 31 - 1)),
  },
  int64: {
    type: { kind: 'int64' },
    scale: 0,
    value: fc.oneof(
      small,
      small.map((n) => 2n ** 53n + n),
      fc.constantFrom(2n ** 63n - 1n, -(2n ** 63n)),
    ),
  },
  decimal: {
    type: { kind: 'decimal', precision: 12, scale: 2 },
    scale: 2,
    value: fc.oneof(small, fc.bigInt({ min: -(10n ** 12n) + 1n, max: 10n ** 12n - 1n })),
  },
  wideDecimal: {
    type: { kind: 'decimal', precision: 38, scale: 10 },
    scale: 10,
    value: fc.oneof(small, fc.bigInt({ min: -widest, max: widest }), fc.constantFrom(widest, -widest)),
  },
  float64: { type: { kind: 'float64' }, scale: null, value: wildDoubles },
  finite: { type: { kind: 'float64' }, scale: null, value: doubles },
  text: {
    type: { kind: 'text' },
    scale: 0,
    value: fc.oneof(fc.string({ unit: 'binary', maxLength: 2 }), fc.constantFrom('', 'a', 'b', '🦊', '\uffff')),
  },
  boolean: { type: { kind: 'boolean' }, scale: 0, value: fc.boolean() },
  timestamp: {
    type: { kind: 'timestamp', precision: 6 },
    scale: 0,
    value: small.map((n) => 1_714_557_600_123_456n + n),
  },
  date: { type: { kind: 'date' }, scale: 0, value: fc.integer({ min: 19_000, max: 19_005 }) },
} satisfies Record<string, ValueKind>;

const times = fc.integer({ min: 0, max: 6 });
const row = (value: fc.Arbitrary<Scalar>): fc.Arbitrary<CountedRow> =>
  fc.record({
    value: fc.option(value, { freq: 8 }),
    at: fc.tuple(times, fc.bigInt({ min: 1n, max: 5n }), fc.constantFrom('', 'x')).map((at) => rowAt(...at)),
  });

type Step =
  | { readonly step: 'insert'; readonly pane: number; readonly row: CountedRow }
  | { readonly step: 'retract'; readonly pane: number; readonly which: number }
  | { readonly step: 'move' | 'reload'; readonly pane: number }
  | { readonly step: 'look' };

function steps(value: fc.Arbitrary<Scalar>, canRetract: boolean): fc.Arbitrary<Step[]> {
  const pane = fc.nat(paneCount - 1);
  const step = fc.oneof(
    { weight: 8, arbitrary: fc.record({ step: fc.constant('insert' as const), pane, row: row(value) }) },
    {
      weight: canRetract ? 5 : 0,
      arbitrary: fc.record({ step: fc.constant('retract' as const), pane, which: fc.nat() }),
    },
    { weight: 2, arbitrary: fc.record({ step: fc.constantFrom('move' as const, 'reload' as const), pane }) },
    { weight: 3, arbitrary: fc.constant<Step>({ step: 'look' }) },
  );
  return fc.array<Step>(step, { maxLength: 60, size: 'max' });
}

interface Case {
  readonly name: string;
  readonly state: AggregateState;
  readonly value: fc.Arbitrary<Scalar>;
  readonly results: readonly ResultPlan[];
  readonly canRetract: boolean;
}

const fractions = [0, 0.01, 0.25, 0.5, 0.95, 1];
const limits = [1, 3, 100];
const lists = (
  ...names: ('topK' | 'topValues' | 'bottomValues' | 'firstN' | 'lastN' | 'lastDistinct')[]
): ResultPlan[] => names.flatMap((name) => limits.map((limit) => ({ function: name, limit })));
const over = (
  kind: keyof typeof kinds,
  state: (type: ColumnType) => AggregateState,
  results: (scale: number | null) => readonly ResultPlan[],
  canRetract = true,
): Case => {
  const { type, scale, value } = kinds[kind];
  return { name: `${state(type).kind} of ${kind}`, state: state(type), value, results: results(scale), canRetract };
};

const everyKind = Object.keys(kinds) as (keyof typeof kinds)[];
const numbers = ['int32', 'int64', 'decimal', 'wideDecimal', 'float64', 'finite'] as const;
const bounds: Readonly<Record<string, readonly Scalar[]>> = {
  int32: [-3, 0, 7],
  decimal: [-5n, 100n],
  float64: [-Infinity, -1, 0, 0.5, Infinity],
};

const cases: readonly Case[] = [
  over(
    'text',
    () => ({ kind: 'count' }),
    () => [{ function: 'count' }],
  ),
  over(
    'boolean',
    () => ({ kind: 'ratio' }),
    () => [{ function: 'ratio' }],
  ),
  ...numbers.map((kind) =>
    over(
      kind,
      (type) => ({ kind: 'sum', type }),
      (scale) => [
        { function: 'sum', scale },
        { function: 'mean', scale },
      ],
    ),
  ),
  ...numbers.map((kind) =>
    over(
      kind,
      (type) => ({ kind: 'moments', type }),
      (scale) =>
        (['variance', 'stddev'] as const).flatMap((name) =>
          [true, false].map((population) => ({ function: name, population, scale })),
        ),
    ),
  ),
  ...Object.keys(bounds).map((kind) =>
    over(
      kind as keyof typeof kinds,
      (type) => ({ kind: 'histogram', type, bounds: bounds[kind]! }),
      () => [{ function: 'histogram' }],
    ),
  ),
  ...everyKind.map((kind) =>
    over(
      kind,
      (type) => ({ kind: 'values', type, keep: null }),
      () => [
        { function: 'min' },
        { function: 'max' },
        { function: 'distinctCount' },
        ...lists('topValues', 'bottomValues'),
      ],
    ),
  ),
  ...everyKind.map((kind) =>
    over(
      kind,
      (type) => ({ kind: 'frequencies', type }),
      () => lists('topK'),
    ),
  ),
  ...numbers.map((kind) =>
    over(
      kind,
      (type) => ({ kind: 'quantiles', type, exactLimit: 1000, accuracy: 0.01 }),
      (scale) => fractions.map((fraction) => ({ function: 'percentile', fraction, scale })),
    ),
  ),
  ...everyKind.map((kind) =>
    over(
      kind,
      (type) => ({ kind: 'ordered', type, keep: null }),
      () => [{ function: 'first' }, { function: 'last' }, ...lists('firstN', 'lastN')],
    ),
  ),
  ...everyKind.map((kind) =>
    over(
      kind,
      (type) => ({ kind: 'recent', type, appendOnly: false }),
      () => lists('lastDistinct'),
    ),
  ),
  over(
    'boolean',
    () => ({ kind: 'times', appendOnly: false }),
    () => [{ function: 'timeSinceLast' }],
  ),
];

/** Rows of append-only tables: panes keep only what is enough. */
const limited: readonly Case[] = [
  ...(['lowest', 'highest'] as const).flatMap((end) =>
    (['float64', 'text'] as const).map((kind) =>
      over(
        kind,
        (type) => ({ kind: 'values', type, keep: { end, limit: 3 } }),
        () =>
          end === 'lowest'
            ? [{ function: 'min' }, { function: 'bottomValues', limit: 3 }]
            : [{ function: 'max' }, { function: 'topValues', limit: 3 }],
        false,
      ),
    ),
  ),
  ...(['first', 'last'] as const).map((end) =>
    over(
      'int64',
      (type) => ({ kind: 'ordered', type, keep: { end, limit: 3 } }),
      () => [{ function: end }, { function: `${end}N`, limit: 3 }],
      false,
    ),
  ),
  over(
    'text',
    (type) => ({ kind: 'recent', type, appendOnly: true }),
    () => lists('lastDistinct'),
    false,
  ),
  over(
    'boolean',
    () => ({ kind: 'times', appendOnly: true }),
    () => [{ function: 'timeSinceLast' }],
    false,
  ),
];

const named = (all: readonly Case[]): [string, Case][] => all.map((one) => [one.name, one]);
const boundsOf = (state: AggregateState): readonly Scalar[] => (state.kind === 'histogram' ? state.bounds : []);

function look(panes: Panes, results: readonly ResultPlan[]): void {
  for (const result of results) {
    const count = (rows: readonly CountedRow[]): Value => recount(result, rows, asOf_us, boundsOf(panes.state));
    expect(panes.results(result, asOf_us)).toEqual({ window: count(panes.windowRows), panes: panes.rows.map(count) });
  }
}

function play(panes: Panes, all: readonly Step[], results: readonly ResultPlan[]): void {
  panes.move(0);
  panes.move(1);
  for (const one of all) {
    if (one.step === 'insert') panes.insert(one.pane, one.row.value, one.row.at);
    else if (one.step === 'retract') expect(panes.retract(one.pane, one.which)).toBe(true);
    else if (one.step === 'look') look(panes, results);
    else panes[one.step](one.pane);
  }
  look(panes, results);
}

test.each(named([...cases, ...limited]))(
  '%s: any steps give what a recount gives',
  (_, { state, value, results, canRetract }) => {
    fc.assert(
      fc.property(steps(value, canRetract), (all) => {
        play(new Panes(state, paneCount), all, results);
      }),
      { numRuns: 60 },
    );
  },
);

test.each(named([...cases, ...limited]))(
  '%s: a pane has the same bytes whatever its rows went through',
  (_, { state, value, canRetract }) => {
    const shuffledRows = fc
      .tuple(steps(value, canRetract), fc.infiniteStream(fc.nat()))
      .map(([all, order]) => ({ all, order: order[Symbol.iterator]() }));
    fc.assert(
      fc.property(shuffledRows, ({ all, order }) => {
        const panes = new Panes(state, paneCount);
        play(panes, all, []);
        panes.rows.forEach((rows, i) => {
          const pane = createAggregate(state, 'pane');
          for (const { value, at } of shuffled(rows, order)) pane.insert(value, at, alone);
          expect(bytesOf(panes.panes[i]!)).toBe(bytesOf(pane));
        });
      }),
      { numRuns: 60 },
    );
  },
);

function shuffled<T>(items: readonly T[], order: Iterator<number>): T[] {
  return items
    .map((item) => [order.next().value as number, item] as const)
    .sort(([a], [b]) => a - b)
    .map(([, item]) => item);
}

test.each(named(cases))('%s: a window that all panes have left is empty', (_, { state, value, results }) => {
  fc.assert(
    fc.property(steps(value, true), (all) => {
      const panes = new Panes(state, paneCount);
      play(panes, all, []);
      panes.inside.forEach((isInside, pane) => {
        if (isInside) panes.move(pane);
      });
      expect(panes.window.isEmpty).toBe(true);
      for (const result of results)
        expect(resultOf(result, panes.window, asOf_us)).toEqual(recount(result, [], asOf_us, []));
    }),
    { numRuns: 30 },
  );
});

test.each(named(cases))('%s: a pane leaves a window by its bytes alone, too', (_, { state, value, results }) => {
  fc.assert(
    fc.property(steps(value, true), (all) => {
      const panes = new Panes(state, paneCount);
      play(panes, all, []);
      panes.inside.forEach((isInside, pane) => {
        if (!isInside) return;
        const from = new ByteReader(Buffer.from(bytesOf(panes.panes[pane]!), 'hex'));
        subtractWritten(panes.window, from, state);
        expect(from.remaining_bytes).toBe(0);
        panes.inside[pane] = false;
        for (const result of results)
          expect(resultOf(result, panes.window, asOf_us)).toEqual(
            recount(result, panes.windowRows, asOf_us, boundsOf(state)),
          );
      });
      expect(panes.window.isEmpty).toBe(true);
    }),
    { numRuns: 30 },
  );
});

const valueAlone = [...cases, ...limited].filter(({ state }) => isTakenAsValue(state));

test.each(named(valueAlone))(
  '%s: a value alone has the bytes of a pane that holds it, and windows take it and give it back as they do the pane',
  (_, { state, value, results }) => {
    fc.assert(
      fc.property(row(value), fc.array(row(value), { maxLength: 5 }), ({ value, at }, others) => {
        const pane = createAggregate(state, 'pane');
        pane.insert(value, at, alone);
        const out = new ByteWriter();
        writeSingle(out, state, value, at);
        expect(out.take().toString('hex')).toBe(bytesOf(pane));
        const [window, other] = [createAggregate(state, 'window'), createAggregate(state, 'window')];
        for (const each of others) for (const one of [window, other]) one.insert(each.value, each.at, null);
        const same = (): void => {
          for (const result of results)
            expect(resultOf(result, window, asOf_us)).toEqual(resultOf(result, other, asOf_us));
        };
        window.insert(value, at, null);
        other.add(pane);
        same();
        window.retract(value, at, null);
        other.subtract(pane);
        same();
      }),
      { numRuns: 40 },
    );
  },
);
