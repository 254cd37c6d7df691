import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  leavesAt_us,
  lowestPane,
  paneIndex,
  resolution_us,
  takesRowsUntil_us,
  type PaneWindow,
} from '../../../../src/entity/windows/pane-range.ts';

const widths = fc.integer({ min: 1, max: 10_000_000_000 });
const windows: fc.Arbitrary<PaneWindow> = fc.oneof(
  widths.map((size_us): PaneWindow => ({ kind: 'tumbling', size_us })),
  fc.tuple(widths, fc.integer({ min: 1, max: 50 })).map(([hop_us, n]): PaneWindow => ({
    kind: 'hopping',
    hop_us,
    size_us: hop_us * n,
  })),
  fc
    .tuple(widths, widths)
    .map(([a, b]): PaneWindow => ({ kind: 'sliding', size_us: Math.max(a, b), resolution_us: Math.min(a, b) })),
);
/** Up to the year 2200. */
const times = fc.integer({ min: 0, max: 7_258_118_400_000_000 });

/** The comparable SQL of the protocol, in integers of any size. */
function counts(window: PaneWindow, time_us: number, asOf_us: number): boolean {
  const [et, T] = [BigInt(time_us), BigInt(asOf_us)];
  const floor = (a: bigint, b: bigint): bigint => (a >= 0n ? a / b : -((-a + b - 1n) / b));
  if (et > T) return false;
  switch (window.kind) {
    case 'tumbling':
      return floor(et, BigInt(window.size_us)) === floor(T, BigInt(window.size_us));
    case 'hopping': {
      const end = (floor(T, BigInt(window.hop_us)) + 1n) * BigInt(window.hop_us);
      return et >= end - BigInt(window.size_us) && et < end;
    }
    case 'sliding': {
      const resolution = BigInt(window.resolution_us);
      return et >= floor(T - BigInt(window.size_us) + 1n, resolution) * resolution;
    }
    case 'unbounded':
      return true;
  }
}

describe('panes of windows', () => {
  test('a row counts exactly when its pane is in the window, at edges too', () => {
    fc.assert(
      fc.property(windows, times, fc.integer({ min: -3, max: 3 }), fc.nat(60), (window, time_us, off, panes) => {
        const width_us = resolution_us(window);
        const edge_us = (paneIndex(time_us, width_us) + panes) * width_us + off;
        for (const asOf_us of [edge_us, time_us, time_us + off].filter((t) => t >= time_us)) {
          const isIn = paneIndex(time_us, width_us) >= lowestPane(window, asOf_us);
          expect(isIn, `${time_us} at ${asOf_us}`).toBe(counts(window, time_us, asOf_us));
        }
      }),
      { numRuns: 2000 },
    );
  });

  test('it leaves at the first T at which it does not count, and never comes back', () => {
    fc.assert(
      fc.property(windows, times, (window, time_us) => {
        const index = paneIndex(time_us, resolution_us(window));
        const leave_us = leavesAt_us(window, index);
        expect(index).toBeGreaterThanOrEqual(lowestPane(window, leave_us - 1));
        expect(index).toBeLessThan(lowestPane(window, leave_us));
      }),
      { numRuns: 2000 },
    );
  });

  test('a window without end holds one pane for ever', () => {
    const window = { kind: 'unbounded' } as const;
    expect([-Infinity, -1, 0, 1e15].map((time_us) => paneIndex(time_us, resolution_us(window)))).toEqual([0, 0, 0, 0]);
    expect(lowestPane(window, 1e15)).toBe(-Infinity);
    expect(leavesAt_us(window, 0)).toBe(Infinity);
    expect(takesRowsUntil_us(window, 0, 0)).toBe(Infinity);
  });

  test('windows side by side take rows until their end and the allowed lateness', () => {
    expect(takesRowsUntil_us({ kind: 'tumbling', size_us: 100 }, 199, 7)).toBe(207);
    expect(takesRowsUntil_us({ kind: 'hopping', size_us: 300, hop_us: 100 }, 199, 7)).toBe(407);
    expect(takesRowsUntil_us({ kind: 'sliding', size_us: 300, resolution_us: 100 }, 199, 7)).toBe(-Infinity);
  });
});
