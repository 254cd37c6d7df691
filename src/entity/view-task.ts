/**
 * The state of one view in one entity partition: per key T, the rows that its windows hold, and rows ahead of T.
 * protocol: time. A value is as of T = max(newest insertion of the key, clock mark), which never goes back.
 */
import type { EntityPlan, ViewPlan } from '../define/plan.ts';
import { compareValues } from '../define/compare.ts';
import type { Value } from '../define/column.ts';
import type { Marks } from '../frames/row-frame.ts';
import { createSeries, type KeyState, type Published } from './key-state.ts';
import { KeyTable, type StoredKey } from './key-table.ts';
import type { StateKey } from './state-key.ts';
import type { TimerNotes } from './timer-notes.ts';
import type { Timer, Timers } from './timers.ts';
import { ViewValues } from './view-values.ts';
import type { Fate, Moment, Series, ViewRow } from './windows/series.ts';
import { layoutOf, type SeriesLayout } from './windows/view-layout.ts';

/** A value and what it is as of. */
export interface ViewValue {
  readonly asOf_us: number;
  readonly values: readonly Value[];
}

/** Of what became of a row in several series, the highest counts. */
const rank: Readonly<Record<Fate, number>> = { late: 0, passed: 1, held: 2, applied: 3, unmatched: 4 };

/** Due as soon as time is known at all. */
const atOnce_us = Number.MIN_SAFE_INTEGER;

export class ViewTask {
  readonly plan: ViewPlan;
  readonly keys: KeyTable;
  /** Entries of panes that were left out since {@link takeOverflows}. */
  private overflows = 0;
  private readonly layouts: readonly SeriesLayout[];
  private readonly values: ViewValues;
  private readonly timers: Timers;
  /** Whether the last {@link advance} changed what a window holds. */
  private hasMoved = false;

  constructor(entity: EntityPlan, plan: ViewPlan, timers: Timers, notes: TimerNotes) {
    this.plan = plan;
    this.timers = timers;
    this.layouts = layoutOf(plan);
    this.keys = new KeyTable(entity, plan, this.layouts, notes);
    this.values = new ViewValues(plan, this.layouts);
  }

  insert(key: string, row: ViewRow, marks: Marks): Fate {
    const state = this.keys.open(key);
    state.rowTime_us = Math.max(state.rowTime_us, row.reach_us);
    const moment = this.advance(key, state, marks);
    const fate = row.eventTime_us > moment.asOf_us ? hold(state, row) : this.insertIntoSeries(state, row, moment);
    this.schedule(key, state, moment);
    return fate;
  }

  /** The row as it was inserted: its before image. */
  retract(key: string, row: ViewRow, marks: Marks): Fate {
    const state = this.keys.open(key);
    const moment = this.advance(key, state, marks);
    const fate = row.eventTime_us > moment.asOf_us ? release(state, row) : this.retractFromSeries(state, row, moment);
    this.schedule(key, state, moment);
    return fate;
  }

  /** Whether an entry of the heap stands for its key's timer still, be there one at the moment or not: the key has no other then. */
  isArmed({ key, time_us }: Timer): boolean {
    return this.keys.get(key)?.armed_us === time_us;
  }

  /** When the timer is due that an entry of the heap stands for; ∞ when there is none. */
  dueOf(entry: Timer): number {
    return this.isArmed(entry) ? this.keys.get(entry.key)!.timer_us : Infinity;
  }

  /** An entry came up before the timer that it stands for, and was taken off the heap: another stands for it. */
  rearm({ key, time_us }: Timer): void {
    const state = this.keys.get(key);
    if (state?.armed_us !== time_us) return;
    state.armed_us = Infinity;
    this.arm(key, state);
  }

  /**
   * Nearly every row moves its key's timer away. An entry that is earlier stands for it all the same until it comes up, so that most rows
   * leave the heap alone.
   */
  private arm(key: string, state: KeyState): void {
    if (state.timer_us >= state.armed_us) return;
    state.armed_us = state.timer_us;
    this.timers.push({ time_us: state.timer_us, view: this.plan.index, key });
  }

  /** Lets time pass for a key. @returns whether a value may have to be given out. */
  fire(key: string, marks: Marks): boolean {
    const state = this.keys.get(key)!;
    state.timer_us = Infinity;
    state.armed_us = Infinity;
    const moment = this.advance(key, state, marks);
    const isToTell = this.hasMoved || state.isPending || state.closed !== null;
    this.schedule(key, state, moment);
    return isToTell;
  }

  /**
   * The value of a key that this frame has touched, if the view gives it out now.
   * @param position that of the frame.
   */
  giveOut(key: string, position: number, marks: Marks): ViewValue | null {
    const state = this.keys.get(key);
    if (this.plan.emit.kind === 'closed')
      return state === undefined ? null : this.giveOutClosed(key, state, position, marks);
    const asOf_us = Math.max(state?.rowTime_us ?? -Infinity, marks.clock_us);
    if (!this.isTimeToGiveOut(asOf_us, this.keys.publishedOf(key))) {
      // A key without state has nothing that would be given out later.
      if (state !== undefined || asOf_us !== -Infinity) this.putOff(key, this.keys.open(key), asOf_us, marks);
      return null;
    }
    const values = this.values.read(state, asOf_us);
    const published = { position, asOf_us, values: this.plan.emit.kind === 'changes' ? null : values };
    this.keys.touch(key);
    if (state === undefined) this.rememberEmptied(key, published, marks);
    else {
      state.published = published;
      if (state.isPending) {
        state.isPending = false;
        this.schedule(key, state, this.momentOf(state, asOf_us, marks));
      }
    }
    return { asOf_us, values };
  }

  /** A key that holds nothing. One that gives values out at intervals is known until its next one all the same. */
  private rememberEmptied(key: string, published: Published, marks: Marks): void {
    this.keys.empty(key, published);
    if (this.plan.emit.kind !== 'every') return;
    const state = this.keys.open(key);
    this.schedule(key, state, this.momentOf(state, published.asOf_us, marks));
  }

  private isTimeToGiveOut(asOf_us: number, published: Published): boolean {
    const { emit } = this.plan;
    if (asOf_us === -Infinity) return false;
    if (emit.kind !== 'every') return true;
    return Math.floor(asOf_us / emit.interval_us) > Math.floor(published.asOf_us / emit.interval_us);
  }

  private putOff(key: string, state: KeyState, asOf_us: number, marks: Marks): void {
    state.isPending = true;
    this.schedule(key, state, this.momentOf(state, asOf_us, marks));
  }

  private giveOutClosed(key: string, state: KeyState, position: number, marks: Marks): ViewValue | null {
    const { closed } = state;
    if (closed === null) return null;
    state.closed = null;
    state.published = { position, ...closed };
    const asOf_us = state.isHeldBack ? closed.asOf_us : Math.max(state.rowTime_us, marks.clock_us);
    this.schedule(key, state, this.momentOf(state, asOf_us, marks));
    return closed;
  }

  /** The newest value that was given out for a key in memory, again. */
  published(key: string): ViewValue & { readonly position: number } {
    return this.valueOf(this.keys.get(key), this.keys.publishedOf(key));
  }

  /** The same for a state that is not in memory, or none. */
  valueOf(
    state: KeyState | null | undefined,
    { position, asOf_us, values }: Published,
  ): ViewValue & { readonly position: number } {
    return { position, asOf_us, values: values ?? this.values.read(state ?? undefined, asOf_us) };
  }

  takeOverflows(): number {
    const { overflows } = this;
    this.overflows = 0;
    return overflows;
  }

  /** @throws RangeError as {@link KeyTable.load} */
  load(at: StateKey, value: Uint8Array): KeyState | null {
    return this.withTimer(at.key, this.keys.load(at, value));
  }

  /** As {@link KeyTable.bring}. */
  bring(key: string, stored: StoredKey | null): void {
    this.withTimer(key, this.keys.bring(key, stored));
  }

  private withTimer(key: string, state: KeyState | null): KeyState | null {
    if (state !== null) this.arm(key, state);
    return state;
  }

  private momentOf({ published }: KeyState, asOf_us: number, marks: Marks): Moment {
    // While T waits at the end of a window, no row is late that T has not passed.
    const seen = asOf_us < marks.data_us ? { ...marks, data_us: asOf_us } : marks;
    const { allowedLateness_us } = this.plan;
    return { asOf_us, publishedAsOf_us: published.asOf_us, marks: seen, allowedLateness_us };
  }

  /** Moves a key's windows to its T: what T has passed goes, rows that T has reached come in. */
  private advance(key: string, state: KeyState, marks: Marks): Moment {
    this.hasMoved = false;
    const target_us = Math.max(state.rowTime_us, marks.clock_us);
    if (this.plan.emit.kind === 'closed') return this.advanceToClosing(key, state, target_us, marks);
    return this.moveTo(key, state, this.momentOf(state, target_us, marks));
  }

  private moveTo(key: string, state: KeyState, moment: Moment): Moment {
    for (let s = 0; s < state.series.length; s++) {
      const series = state.series[s];
      if (!series) continue;
      if (series.advance(moment)) this.hasMoved = true;
      if (series.isEmpty) this.keys.forgetSeries(key, state, s);
    }
    let reached = 0;
    while (reached < state.held.length && state.held[reached]!.eventTime_us <= moment.asOf_us) reached++;
    if (reached === 0) return moment;
    this.hasMoved = true;
    // Late is what comes late: these came in time, and have waited since.
    const inTime = { ...moment, marks: { ...moment.marks, data_us: -Infinity } };
    for (const row of state.held.splice(0, reached)) this.insertIntoSeries(state, row, inTime);
    return moment;
  }

  /**
   * Window by window: each gives out its last values before T goes on, and at most one in a frame, since a frame gives out at most one
   * value of a key. T then waits at its end.
   */
  private advanceToClosing(key: string, state: KeyState, target_us: number, marks: Marks): Moment {
    state.isHeldBack = false;
    for (;;) {
      const end_us = closesAt_us(state);
      const next_us = state.held[0]?.eventTime_us ?? Infinity;
      if (next_us <= target_us && next_us < end_us) {
        this.moveTo(key, state, this.momentOf(state, next_us, marks));
      } else if (end_us > target_us) {
        return this.moveTo(key, state, this.momentOf(state, target_us, marks));
      } else if (state.closed !== null) {
        state.isHeldBack = true;
        return this.momentOf(state, end_us - 1, marks);
      } else {
        state.closed = { asOf_us: end_us - 1, values: this.values.read(state, end_us - 1) };
        this.moveTo(key, state, this.momentOf(state, end_us, marks));
      }
    }
  }

  private insertIntoSeries(state: KeyState, row: ViewRow, moment: Moment): Fate {
    let fate: Fate | null = null;
    for (let s = 0; s < this.layouts.length; s++) {
      const layout = this.layouts[s]!;
      if (layout.byInput[row.input]!.length === 0) continue;
      let series = state.series[s] ?? null;
      if (series === null) {
        series = startSeries(layout, moment);
        state.series[s] = series;
      }
      const own = series.insert(row, moment);
      this.overflows += series.takeOverflows();
      if (series.isEmpty) state.series[s] = null;
      if (fate === null || rank[own] > rank[fate]) fate = own;
    }
    return fate ?? 'passed';
  }

  private retractFromSeries(state: KeyState, row: ViewRow, moment: Moment): Fate {
    let fate: Fate | null = null;
    for (let s = 0; s < this.layouts.length; s++) {
      const layout = this.layouts[s]!;
      if (layout.byInput[row.input]!.length === 0) continue;
      // One that holds nothing knows what becomes of the row all the same.
      const own = (state.series[s] ?? startSeries(layout, moment)).retract(row, moment);
      if (fate === null || rank[own] > rank[fate]) fate = own;
    }
    return fate ?? 'passed';
  }

  /** Sets the key's timer to the next instant at which time alone changes something; forgets a key that holds nothing. */
  private schedule(key: string, state: KeyState, moment: Moment): void {
    this.keys.touch(key);
    let next_us = state.held[0]?.eventTime_us ?? Infinity;
    let isEmpty = state.held.length === 0 && !state.isPending && !state.isHeldBack && state.closed === null;
    for (let s = 0; s < state.series.length; s++) {
      const series = state.series[s];
      if (!series) continue;
      if (series.isEmpty) this.keys.forgetSeries(key, state, s);
      else {
        isEmpty = false;
        next_us = Math.min(next_us, series.nextChange_us(moment));
      }
    }
    if (isEmpty) {
      next_us = Math.max(state.rowTime_us, this.nextInterval_us(state.published));
      if (next_us <= moment.marks.clock_us) {
        this.keys.empty(key, state.published);
        return;
      }
    }
    if (state.isHeldBack || state.isPending) next_us = Math.min(next_us, this.nextAttempt_us(state));
    // This frame still gives out what has closed, and looks again then.
    if (state.closed !== null) next_us = Infinity;
    state.timer_us = next_us;
    this.arm(key, state);
  }

  /** When a value that could not be given out is looked at again. */
  private nextAttempt_us({ published }: KeyState): number {
    return Math.max(atOnce_us, this.nextInterval_us(published));
  }

  /** Until then a key has had its value, and has to be known for it: what comes later is given out whatever was before. */
  private nextInterval_us({ asOf_us }: Published): number {
    const { emit } = this.plan;
    if (emit.kind !== 'every') return -Infinity;
    return (Math.floor(asOf_us / emit.interval_us) + 1) * emit.interval_us;
  }
}

/** When the window that holds rows now closes; not again one that has, whose rows are kept because others may still join them. */
function closesAt_us({ series: [series], closed, published }: KeyState): number {
  const end_us = series?.closesAt_us() ?? Infinity;
  return end_us - 1 > (closed ?? published).asOf_us ? end_us : Infinity;
}

function startSeries(layout: SeriesLayout, moment: Moment): Series {
  const series = createSeries(layout);
  series.advance(moment);
  return series;
}

function hold(state: KeyState, row: ViewRow): Fate {
  const at = state.held.findIndex((other) => isBefore(row, other));
  state.held.splice(at === -1 ? state.held.length : at, 0, row);
  return 'held';
}

function release(state: KeyState, row: ViewRow): Fate {
  const at = state.held.findIndex(
    ({ input, primaryKey }) => input === row.input && primaryKey.every((part, i) => part === row.primaryKey[i]),
  );
  if (at === -1) return 'unmatched';
  state.held.splice(at, 1);
  return 'held';
}

function isBefore(a: ViewRow, b: ViewRow): boolean {
  if (a.eventTime_us !== b.eventTime_us) return a.eventTime_us < b.eventTime_us;
  for (let i = 0; i < a.primaryKey.length && i < b.primaryKey.length; i++) {
    const order = compareValues(a.primaryKey[i]!, b.primaryKey[i]!);
    if (order !== 0) return order < 0;
  }
  return a.input < b.input;
}
