/** The values of a view, read from a key's state as of T: each feature's result, then what is derived from them. */
import type { Value } from '../define/column.ts';
import type { ResultPlan, ViewPlan } from '../define/plan.ts';
import type { Aggregate } from './aggregates/aggregate.ts';
import { createAggregate } from './aggregates/create-aggregate.ts';
import { resultOf } from './aggregates/results.ts';
import type { KeyState } from './key-state.ts';
import type { SeriesLayout } from './windows/view-layout.ts';

interface Reading {
  readonly slot: number;
  readonly series: number;
  readonly window: number;
  readonly aggregate: number;
  readonly result: ResultPlan;
  readonly fallback: Value;
  /** What is read where the window is empty. */
  readonly nothing: Aggregate;
}

interface Deriving {
  readonly slot: number;
  readonly derive: (features: readonly Value[]) => Value;
  readonly fallback: Value;
}

export class ViewValues {
  private readonly size: number;
  private readonly readings: readonly Reading[];
  private readonly derivings: readonly Deriving[];

  constructor(view: ViewPlan, layouts: readonly SeriesLayout[]) {
    this.size = view.features.length;
    this.readings = layouts.flatMap((layout, series) =>
      layout.windows.flatMap(({ features }, window) =>
        features.map(({ slot, aggregate }) => readingOf(view, layout, { slot, series, window, aggregate })),
      ),
    );
    this.derivings = view.features.flatMap((feature, slot) =>
      feature.kind === 'derived' ? [{ slot, derive: feature.derive, fallback: feature.fallback }] : [],
    );
  }

  /** @param state undefined for a key that holds nothing. */
  read(state: KeyState | undefined, asOf_us: number): Value[] {
    const values = new Array<Value>(this.size).fill(null);
    for (const { slot, series, window, aggregate, result, fallback, nothing } of this.readings) {
      const found = state?.series[series]?.aggregateOf(window, aggregate, asOf_us) ?? nothing;
      values[slot] = resultOf(result, found, asOf_us) ?? fallback;
    }
    for (const { slot, derive, fallback } of this.derivings) values[slot] = derive(values) ?? fallback;
    return values;
  }
}

function readingOf(
  view: ViewPlan,
  layout: SeriesLayout,
  at: Pick<Reading, 'slot' | 'series' | 'window' | 'aggregate'>,
): Reading {
  const feature = view.features[at.slot]!;
  if (feature.kind !== 'aggregated') throw new TypeError(`${feature.name} has no window`);
  const nothing = createAggregate(layout.aggregates[at.aggregate]!.state, 'window');
  return { ...at, result: feature.result, fallback: feature.fallback, nothing };
}
