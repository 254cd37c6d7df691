/**
 * How a view's features share state: windows whose panes have one length share the panes, and features of a window that need the same
 * aggregation share it. (Shared slices: Krishnamurthy, Wu, Franklin, "On-the-fly sharing for streamed aggregation", SIGMOD 2006.)
 */
import type { Value } from '../../define/column.ts';
import type { AggregatePlan, AggregatedFeature, ViewPlan } from '../../define/plan.ts';
import type { SessionWindow } from '../../define/window.ts';
import { isOrdered, isTakenAsValue } from '../aggregates/single-value.ts';
import { hasOnePane, resolution_us, span_us, type PaneWindow } from './pane-range.ts';
import type { ViewRow } from './series.ts';

const mostChunkPanes = 8;
/** Most of so many panes hold no row: a chunk of two or three would be written, and removed, for little. */
const manyPanes = 512;
const mostOfMany = 32;
const fewestChunks = 16;

/** A window, and which aggregations of its series it reads. */
export interface WindowLayout<W> {
  readonly window: W;
  /** Index of each feature in the view, and of its aggregation in the series. */
  readonly features: readonly { readonly slot: number; readonly aggregate: number }[];
  /** The aggregations of the series that this window's features read, ascending. */
  readonly aggregates: readonly number[];
  /** It reads the pane that it is made of, and keeps nothing of its own. */
  readonly hasOnePane: boolean;
}

interface SeriesBase {
  readonly aggregates: readonly AggregatePlan[];
  /** Per input of the entity, the aggregations that its rows go to; none for an input that the series does not read. */
  readonly byInput: readonly (readonly number[])[];
  /** Whether the only row of a pane is kept as its values, and whether with its place among the rows. */
  readonly keepsSingles: boolean;
  readonly keepsOrder: boolean;
}

/** A row's values by the series' aggregations; null where a filter leaves it out. */
export function valuesOf({ aggregates, byInput }: SeriesLayout, { input, row }: ViewRow): Value[] {
  const values = new Array<Value>(aggregates.length).fill(null);
  for (const a of byInput[input]!) {
    const { where, value } = aggregates[a]!;
    if (where === null || where(row)) values[a] = value === null ? true : value(row);
  }
  return values;
}

/** Panes of one length. */
export interface PaneSeriesLayout extends SeriesBase {
  readonly kind: 'panes';
  /** The length of a pane, microseconds; without end if only windows without end read them. */
  readonly width_us: number;
  /** How many panes are written together. */
  readonly chunkPanes: number;
  readonly windows: readonly WindowLayout<PaneWindow>[];
}

/** Runs of rows of one input. A pane holds the rows of one instant. */
export interface SessionSeriesLayout extends SeriesBase {
  readonly kind: 'session';
  readonly input: number;
  readonly windows: readonly [WindowLayout<SessionWindow>];
}

export type SeriesLayout = PaneSeriesLayout | SessionSeriesLayout;

interface Group {
  readonly id: string;
  readonly features: { readonly slot: number; readonly feature: AggregatedFeature }[];
}

export function layoutOf(view: ViewPlan): SeriesLayout[] {
  const groups = new Map<string, Group>();
  view.features.forEach((feature, slot) => {
    if (feature.kind !== 'aggregated') return;
    const id = seriesId(feature, view.aggregates[feature.aggregate]!);
    const group = groups.get(id) ?? { id, features: [] };
    group.features.push({ slot, feature });
    groups.set(id, group);
  });
  return [...groups.values()].sort((a, b) => (a.id < b.id ? -1 : 1)).map((group) => seriesOf(view, group));
}

/** Sorts the same way in every process: the order of the series is that of their bytes. */
function seriesId({ window }: AggregatedFeature, { input }: AggregatePlan): string {
  const padded = (n: number): string => String(n).padStart(20, '0');
  if (window.kind === 'session') return `session ${padded(window.gap_us)} ${padded(input)}`;
  return `panes ${padded(resolution_us(window))}`;
}

function seriesOf(view: ViewPlan, { features }: Group): SeriesLayout {
  const used = [...new Set(features.map(({ feature }) => feature.aggregate))].sort((a, b) => a - b);
  const aggregates = used.map((index) => view.aggregates[index]!);
  const inputs = Math.max(...view.inputs) + 1;
  const byInput = Array.from({ length: inputs }, (_, input) =>
    aggregates.flatMap((plan, index) => (plan.input === input ? [index] : [])),
  );
  const keepsSingles = aggregates.every(({ state }) => isTakenAsValue(state));
  const keepsOrder = aggregates.some(({ state }) => isOrdered(state));
  const byWindow = new Map<string, { slot: number; feature: AggregatedFeature }[]>();
  for (const each of features) {
    const id = JSON.stringify(Object.entries(each.feature.window).sort());
    byWindow.set(id, [...(byWindow.get(id) ?? []), each]);
  }
  const windows = [...byWindow.values()].map((own) => {
    const read = own.map(({ slot, feature }) => ({ slot, aggregate: used.indexOf(feature.aggregate) }));
    const { window } = own[0]!.feature;
    const ofWindow = [...new Set(read.map(({ aggregate }) => aggregate))].sort((a, b) => a - b);
    return {
      window,
      features: read,
      aggregates: ofWindow,
      hasOnePane: window.kind !== 'session' && hasOnePane(window),
    };
  });
  const [first] = windows;
  if (first!.window.kind === 'session') {
    const session = first as WindowLayout<SessionWindow>;
    return {
      kind: 'session',
      aggregates,
      byInput,
      keepsSingles,
      keepsOrder,
      input: aggregates[0]!.input,
      windows: [session],
    };
  }
  const ofPanes = windows as WindowLayout<PaneWindow>[];
  const width_us = resolution_us(ofPanes[0]!.window);
  return {
    kind: 'panes',
    width_us,
    chunkPanes: chunkPanesOf(ofPanes),
    aggregates,
    byInput,
    keepsSingles,
    keepsOrder,
    windows: ofPanes,
  };
}

/** Few, since a row writes the newest chunk anew; and few of all, since a chunk is kept until its last pane is read no more. */
function chunkPanesOf(windows: readonly WindowLayout<PaneWindow>[]): number {
  const panes = Math.max(...windows.map(({ window }) => span_us(window) / resolution_us(window)));
  return Math.max(1, Math.min(panes < manyPanes ? mostChunkPanes : mostOfMany, Math.floor(panes / fewestChunks)));
}
