/** Approximate distinct counts: within their error, and of a window as of one pane with the same rows. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ColumnType, Scalar } from '../../../../src/define/column.ts';
import type { AggregateState } from '../../../../src/define/plan.ts';
import { createAggregate } from '../../../../src/entity/aggregates/create-aggregate.ts';
import { hash, hashed } from '../../../../src/entity/aggregates/hash.ts';
import { resultOf } from '../../../../src/entity/aggregates/results.ts';
import { alone, bytesOf, Panes, reloaded, rowAt } from '../../../support/aggregate-panes.ts';

const at = rowAt(0, 1n);
const approximate = { function: 'approxDistinctCount' } as const;
const stateOf = (type: ColumnType, precision: number): AggregateState => ({ kind: 'hyperloglog', type, precision });

function paneOf(state: AggregateState, values: Iterable<Scalar>): ReturnType<typeof createAggregate> {
  const pane = createAggregate(state, 'pane');
  for (const value of values) pane.insert(value, at, alone);
  return pane;
}

const sequences: readonly (readonly [ColumnType, (i: number) => Scalar])[] = [
  [{ kind: 'int64' }, (i) => BigInt(i)],
  [{ kind: 'int64' }, (i) => 2n ** 62n + BigInt(i) * 2n ** 20n],
  [{ kind: 'int32' }, (i) => -i],
  [{ kind: 'float64' }, (i) => i / 8],
  [{ kind: 'text' }, (i) => `user-${i}`],
  [{ kind: 'timestamp', precision: 3 }, (i) => 1_714_557_600_000_000n + BigInt(i) * 1_000_000n],
  [{ kind: 'decimal', precision: 38, scale: 0 }, (i) => 10n ** 37n + BigInt(i)],
];

test.each(sequences)('distinct values of type $kind are counted within four standard errors', (type, valueOf) => {
  for (const precision of [10, 14]) {
    const standardError = 1.04 / Math.sqrt(2 ** precision);
    const pane = createAggregate(stateOf(type, precision), 'pane');
    let next = 0;
    for (const n of [1, 10, 100, 1000, 10_000, 60_000]) {
      for (; next < n; next++) pane.insert(valueOf(next), at, alone);
      const estimate = Number(resultOf(approximate, pane, 0));
      expect(Math.abs(estimate - n) / n).toBeLessThan(4 * standardError);
    }
  }
});

test('a value that comes again changes nothing, and none is 0', () => {
  const state = stateOf({ kind: 'text' }, 12);
  expect(resultOf(approximate, createAggregate(state, 'pane'), 0)).toBe(0n);
  const once = paneOf(state, ['a', 'b', 'c']);
  expect(bytesOf(paneOf(state, ['c', 'a', 'a', 'b', 'c']))).toBe(bytesOf(once));
  expect(resultOf(approximate, once, 0)).toBe(3n);
  expect(bytesOf(paneOf(stateOf({ kind: 'float64' }, 12), [-0]))).toBe(
    bytesOf(paneOf(stateOf({ kind: 'float64' }, 12), [0])),
  );
});

const precision = 4;
const small = stateOf({ kind: 'int32' }, precision);
const step = fc.record({
  step: fc.constantFrom('insert', 'insert', 'insert', 'insert', 'move', 'reload', 'look'),
  pane: fc.nat(2),
  value: fc.nat(200),
});

test('any steps give a window what one pane with its rows has', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 150, size: 'max' }), (steps) => {
      const panes = new Panes(small, 3);
      const look = (): void => {
        const all = paneOf(
          small,
          panes.windowRows.map(({ value }) => value as Scalar),
        );
        expect(resultOf(approximate, panes.window, 0)).toBe(resultOf(approximate, all, 0));
      };
      for (const { step, pane, value } of steps) {
        if (step === 'insert') panes.insert(pane, value, at);
        else if (step === 'look') look();
        else panes[step](pane);
      }
      look();
      panes.inside.forEach((isInside, pane) => {
        if (isInside) panes.move(pane);
      });
      expect(panes.window.isEmpty).toBe(true);
      panes.panes.forEach((pane, i) => {
        const values = panes.rows[i]!.map(({ value }) => value as Scalar);
        expect(bytesOf(pane)).toBe(
          bytesOf(
            paneOf(
              small,
              values.toSorted((a, b) => Number(b) - Number(a)),
            ),
          ),
        );
      });
    }),
    { numRuns: 100 },
  );
});

test('a pane that uses few registers, many, and most is read as it was written', () => {
  const state = stateOf({ kind: 'int64' }, 10);
  for (const n of [0n, 1n, 60n, 70n, 500n, 2000n]) {
    const pane = createAggregate(state, 'pane');
    for (let i = 0n; i < n; i++) pane.insert(i, at, alone);
    const copy = reloaded(state, pane);
    expect(bytesOf(copy)).toBe(bytesOf(pane));
    for (const one of [pane, copy]) one.insert(12_345_678n, at, alone);
    expect([bytesOf(copy), resultOf(approximate, copy, 0)]).toEqual([bytesOf(pane), resultOf(approximate, pane, 0)]);
  }
});

const hex = (value: Scalar): string => {
  hash(value);
  return [hashed.high, hashed.low].map((half) => half.toString(16).padStart(8, '0')).join('');
};

test('hashes are what they were when state was written with them', () => {
  expect([0n, -1n, 2n ** 64n, 1.5, '', 'ab', '🦊', true].map(hex)).toEqual([
    'e7e8dd86e17aa378',
    'ca78d62a3d6dd55a',
    '55d5dfaad3d65037',
    '62af0307ba4b1ef6',
    '652ef6e525615cfc',
    '3ad8089b383682ea',
    'd0bcdd0b237f5aa9',
    '106e15374a62b721',
  ]);
});

test('hashes of neighbours have nothing in common', () => {
  const seen = new Set<string>();
  const changes = new Array<number>(64).fill(0);
  const count = 20_000;
  for (let i = 0; i < count; i++) {
    const [own, next] = [BigInt(`0x${hex(BigInt(i))}`), BigInt(`0x${hex(BigInt(i + 1))}`)];
    seen.add(own.toString());
    for (let bit = 0; bit < 64; bit++) changes[bit]! += Number(((own ^ next) >> BigInt(bit)) & 1n);
  }
  expect(seen.size).toBe(count);
  for (const changed of changes) expect(Math.abs(changed / count - 0.5)).toBeLessThan(4 * (0.5 / Math.sqrt(count)));
});
