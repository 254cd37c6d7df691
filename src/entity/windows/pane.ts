import type { Value } from '../../define/column.ts';
import type { AggregatePlan } from '../../define/plan.ts';
import type { ByteReader, ByteWriter } from '../../frames/bytes.ts';
import type { Aggregate, RowOrder } from '../aggregates/aggregate.ts';
import { createAggregate } from '../aggregates/create-aggregate.ts';
import { readSingle, writeSingle } from '../aggregates/single-value.ts';

/** Of a row whose place does not matter. */
const noPlace: RowOrder = { eventTime_us: -Infinity, primaryKey: [] };

/** A window's own aggregates by the series' aggregations, null where none of its features reads it. */
export type WindowAggregates = readonly (Aggregate | null)[];

/**
 * The rows of a stretch of event time. Most panes of a fine resolution hold one row only: that is kept as its values, and becomes
 * aggregates when another comes.
 */
export class Pane {
  readonly index: number;
  /** Rows of the series' inputs, whatever filters say: at 0 the pane is as if it had never been. */
  rows = 0;
  private readonly plans: readonly AggregatePlan[];
  /** Of the only row, by the series' aggregations; null where a filter leaves it out, too. */
  private single: readonly Value[] | null = null;
  private place = noPlace;
  private made: readonly Aggregate[] | null = null;

  constructor(index: number, plans: readonly AggregatePlan[]) {
    this.index = index;
    this.plans = plans;
  }

  /** Into an empty pane. @param place null where it does not matter. */
  takeSingle(values: readonly Value[], place: RowOrder | null): void {
    this.rows = 1;
    this.single = values;
    // Keeps nothing else of the row alive.
    if (place !== null) this.place = { eventTime_us: place.eventTime_us, primaryKey: place.primaryKey };
  }

  get aggregates(): readonly Aggregate[] {
    return (this.made ??= this.make());
  }

  private make(): readonly Aggregate[] {
    const { single, place } = this;
    const made = this.plans.map(({ state }) => createAggregate(state, 'pane'));
    if (single !== null) for (let a = 0; a < made.length; a++) made[a]!.insert(single[a]!, place, null);
    this.single = null;
    this.place = noPlace;
    return made;
  }

  addTo(window: WindowAggregates): void {
    const { single, place } = this;
    for (let a = 0; a < window.length; a++) {
      if (single === null) window[a]?.add(this.aggregates[a]!);
      else window[a]?.insert(single[a]!, place, null);
    }
  }

  subtractFrom(window: WindowAggregates): void {
    const { single, place } = this;
    for (let a = 0; a < window.length; a++) {
      if (single === null) window[a]?.subtract(this.aggregates[a]!);
      else window[a]?.retract(single[a]!, place, null);
    }
  }

  /** What was taken back and had never been there may have left something in a pane without rows. */
  get isEmpty(): boolean {
    return this.aggregates.every((aggregate) => aggregate.isEmpty);
  }

  /** @param before the index of the pane before. */
  write(out: ByteWriter, before: number): void {
    out.zigzag(this.index - before);
    out.varint(this.rows);
    const { single, place, plans } = this;
    for (let a = 0; a < plans.length; a++) {
      if (single === null) this.aggregates[a]!.write(out);
      else writeSingle(out, plans[a]!.state, single[a]!, place);
    }
  }

  /** What {@link write} wrote behind the index. */
  static read(from: ByteReader, index: number, plans: readonly AggregatePlan[]): Pane {
    const pane = new Pane(index, plans);
    pane.rows = from.varint();
    if (pane.rows === 1 && pane.readSingle(from)) return pane;
    for (const aggregate of pane.aggregates) aggregate.read(from);
    return pane;
  }

  /** Most keys that come back from disk have panes of one row: as values they take a third of the memory. */
  private readSingle(from: ByteReader): boolean {
    const start = from.offset;
    const values: Value[] = [];
    for (const { state } of this.plans) {
      const value = readSingle(from, state);
      if (value === undefined) {
        from.back(start);
        return false;
      }
      values.push(value);
    }
    this.single = values;
    return true;
  }
}

/** As a chunk writes them: how many, and the panes in the order of their indexes. */
export function readPanes(from: ByteReader, plans: readonly AggregatePlan[]): Pane[] {
  const panes: Pane[] = [];
  let index = 0;
  for (let rest = from.varint(); rest > 0; rest--) {
    index += from.zigzag();
    panes.push(Pane.read(from, index, plans));
  }
  return panes;
}

/** Where the first pane at or above the index stands. */
export function lowerBound(panes: readonly Pane[], index: number): number {
  let high = panes.length;
  if (high === 0 || panes[high - 1]!.index < index) return high;
  let low = 0;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (panes[middle]!.index < index) low = middle + 1;
    else high = middle;
  }
  return low;
}
