/**
 * The state of one view in one entity partition: per key T, the current pane of each window, and rows ahead of T.
 * protocol: time. A value is as of T = max(newest insertion of the key, clock mark), which never goes back.
 */
import type { Value } from '../define/column.ts';
import type { EntityPlan, ViewPlan } from '../define/plan.ts';
import { ByteReader, ByteWriter } from '../frames/bytes.ts';
import type { Marks } from '../frames/row-frame.ts';
import {
  neverPublished,
  readKeyState,
  writeEmptied,
  writeKeyState,
  type KeyState,
  type Published,
  type ViewRow,
} from './key-state.ts';
import type { Timers } from './timers.ts';
import { TumblingPane, windowEnd_us, windowIndex, type WindowGroup } from './windows/tumbling.ts';

/** What became of a row. */
export type Fate = 'applied' | 'held' | 'passed' | 'late' | 'unmatched';

/** A value and what it is as of. */
export interface ViewValue {
  readonly asOf_us: number;
  readonly values: Value[];
}

export class ViewTask {
  readonly plan: ViewPlan;
  private readonly entity: EntityPlan;
  private readonly groups: readonly WindowGroup[];
  private readonly states = new Map<string, KeyState>();
  private readonly timers: Timers;

  /** Keys whose state is not as it was written last. */
  private readonly changed = new Set<string>();
  /** Of these, what was published of those that hold nothing any more. */
  private readonly emptied = new Map<string, Published>();

  constructor(entity: EntityPlan, plan: ViewPlan, timers: Timers) {
    this.entity = entity;
    this.plan = plan;
    this.timers = timers;
    this.groups = groupByWindow(plan);
  }

  /** Keys that hold state. A key whose windows are empty holds none. */
  get size(): number {
    return this.states.size;
  }

  insert(key: string, row: ViewRow, marks: Marks): Fate {
    const state = this.states.get(key) ?? this.create(key);
    state.rowTime_us = Math.max(state.rowTime_us, row.reach_us);
    const asOf_us = this.advance(state, marks);
    const fate = row.eventTime_us > asOf_us ? hold(state, row) : this.insertIntoPanes(state, row, asOf_us, marks);
    this.schedule(key, state, marks);
    return fate;
  }

  /** The row as it was inserted: its before image. */
  retract(key: string, row: ViewRow, marks: Marks): Fate {
    const state = this.states.get(key) ?? this.create(key);
    const asOf_us = this.advance(state, marks);
    const fate = row.eventTime_us > asOf_us ? release(state, row) : this.retractFromPanes(state, row, asOf_us, marks);
    this.schedule(key, state, marks);
    return fate;
  }

  /** @returns false when the timer was overtaken: the key has none at this time any more. */
  isDue(key: string, time_us: number): boolean {
    return this.states.get(key)?.timer_us === time_us;
  }

  /** Lets time pass for a key. @returns whether that changed its values. */
  fire(key: string, marks: Marks): boolean {
    const state = this.states.get(key)!;
    const holdsValues = state.held.length > 0 || state.panes.some((pane) => pane !== null);
    this.advance(state, marks);
    this.schedule(key, state, marks);
    return holdsValues;
  }

  /** T and the value of each feature. */
  read(key: string, marks: Marks): ViewValue {
    const state = this.states.get(key);
    return { asOf_us: Math.max(state?.rowTime_us ?? -Infinity, marks.clock_us), values: this.valuesOf(state) };
  }

  /** The value that was read for a key is emitted at a position. */
  publish(key: string, published: Published): void {
    const state = this.states.get(key);
    if (state === undefined) this.emptied.set(key, published);
    else state.published = published;
    this.changed.add(key);
  }

  /** Keys whose values were emitted and that are not only on disk. */
  *publishedKeys(): Iterable<string> {
    for (const [key, { published }] of this.states) if (published.position >= 0) yield key;
    for (const [key, { position }] of this.emptied) if (position >= 0) yield key;
  }

  /** The newest value that was emitted for a key, again. @param stored for a key that is on disk only. */
  published(key: string, stored: Published = neverPublished): ViewValue & { readonly position: number } {
    const state = this.states.get(key);
    const { position, asOf_us } = state?.published ?? this.emptied.get(key) ?? stored;
    return { position, asOf_us, values: this.valuesOf(state) };
  }

  isInMemory(key: string): boolean {
    return this.states.has(key) || this.emptied.has(key);
  }

  /** The bytes of every key whose state changed since the last call; null where nothing is to be known of it. */
  takeChanges(take: (key: string, value: Buffer | null) => void): void {
    const out = new ByteWriter();
    for (const key of this.changed) {
      const state = this.states.get(key);
      const emptied = this.emptied.get(key) ?? neverPublished;
      if (state !== undefined) writeKeyState(out, this.entity, state);
      else if (emptied.position >= 0) writeEmptied(out, emptied);
      take(key, out.size_bytes === 0 ? null : out.take());
    }
    this.changed.clear();
    this.emptied.clear();
  }

  /** What {@link takeChanges} gave. @throws RangeError when it is no such bytes. */
  load(key: string, value: Uint8Array): void {
    const { state } = readKeyState(new ByteReader(value), this.entity, this.groups);
    if (state === null) return;
    this.states.set(key, state);
    if (state.timer_us !== Infinity) this.timers.push({ time_us: state.timer_us, view: this.plan.index, key });
  }

  /** What the bytes say of the newest value that was emitted. */
  publishedIn(value: Uint8Array): Published {
    return readKeyState(new ByteReader(value), this.entity, this.groups).published;
  }

  private valuesOf(state: KeyState | undefined): Value[] {
    const values = this.plan.features.map((feature) => feature.fallback);
    if (state === undefined) return values;
    this.groups.forEach((group, g) => {
      const pane = state.panes[g];
      if (pane === null || pane === undefined) return;
      group.slots.forEach((slot, i) => {
        values[slot] = pane.aggregates[i]!.result() ?? values[slot]!;
      });
    });
    return values;
  }

  private create(key: string): KeyState {
    const state: KeyState = {
      rowTime_us: -Infinity,
      panes: this.groups.map(() => null),
      held: [],
      timer_us: Infinity,
      published: this.emptied.get(key) ?? neverPublished,
    };
    this.emptied.delete(key);
    this.states.set(key, state);
    return state;
  }

  /** Moves a key's windows to its T: panes that T has passed go, rows that T has reached come in. @returns T */
  private advance(state: KeyState, marks: Marks): number {
    const asOf_us = Math.max(state.rowTime_us, marks.clock_us);
    for (let g = 0; g < this.groups.length; g++) {
      const pane = state.panes[g];
      if (pane && pane.index < windowIndex(asOf_us, this.groups[g]!.size_us)) state.panes[g] = null;
    }
    let reached = 0;
    while (reached < state.held.length && state.held[reached]!.eventTime_us <= asOf_us) reached++;
    for (const row of state.held.splice(0, reached)) this.insertIntoPanes(state, row, asOf_us, marks);
    return asOf_us;
  }

  private insertIntoPanes(state: KeyState, row: ViewRow, asOf_us: number, marks: Marks): Fate {
    let fate: Fate = 'late';
    for (let g = 0; g < this.groups.length; g++) {
      const group = this.groups[g]!;
      const index = windowIndex(row.eventTime_us, group.size_us);
      if (index === windowIndex(asOf_us, group.size_us)) {
        const pane = (state.panes[g] ??= new TumblingPane(group, index));
        pane.insert(group, row.input, row.row);
        fate = 'applied';
      } else if (fate === 'late' && this.isOpen(row, group, marks)) fate = 'passed';
    }
    return fate;
  }

  private retractFromPanes(state: KeyState, row: ViewRow, asOf_us: number, marks: Marks): Fate {
    let fate = 'late' as Fate;
    for (let g = 0; g < this.groups.length; g++) {
      const group = this.groups[g]!;
      if (windowIndex(row.eventTime_us, group.size_us) === windowIndex(asOf_us, group.size_us)) {
        const pane = state.panes[g];
        const found = pane?.retract(group, row.input, row.row) ?? false;
        if (pane?.rows === 0) state.panes[g] = null;
        fate = found && fate !== 'unmatched' ? 'applied' : 'unmatched';
      } else if (fate === 'late' && this.isOpen(row, group, marks)) fate = 'passed';
    }
    return fate;
  }

  /** A row's window still takes rows. Monotone: once it does not, it never will, so a refused row's retraction is refused too. */
  private isOpen(row: ViewRow, group: WindowGroup, marks: Marks): boolean {
    return windowEnd_us(row.eventTime_us, group.size_us) + this.plan.allowedLateness_us > marks.data_us;
  }

  /** Sets the key's timer to the next instant at which time alone changes its values; forgets a key that holds nothing. */
  private schedule(key: string, state: KeyState, marks: Marks): void {
    let next_us = state.held[0]?.eventTime_us ?? Infinity;
    for (let g = 0; g < this.groups.length; g++) {
      const pane = state.panes[g];
      if (pane) next_us = Math.min(next_us, (pane.index + 1) * this.groups[g]!.size_us);
    }
    this.changed.add(key);
    if (next_us === Infinity) {
      if (state.rowTime_us <= marks.clock_us) {
        this.states.delete(key);
        this.emptied.set(key, state.published);
        return;
      }
      next_us = state.rowTime_us;
    }
    if (next_us === state.timer_us) return;
    state.timer_us = next_us;
    this.timers.push({ time_us: next_us, view: this.plan.index, key });
  }
}

function groupByWindow(plan: ViewPlan): WindowGroup[] {
  const sizes = [...new Set(plan.features.map((feature) => feature.window.size_us))].sort((a, b) => a - b);
  return sizes.map((size_us) => {
    const slots = plan.features.flatMap((feature, slot) => (feature.window.size_us === size_us ? [slot] : []));
    return { size_us, slots, features: slots.map((slot) => plan.features[slot]!) };
  });
}

function hold(state: KeyState, row: ViewRow): Fate {
  const at = state.held.findIndex((other) => isBefore(row, other));
  state.held.splice(at === -1 ? state.held.length : at, 0, row);
  return 'held';
}

function release(state: KeyState, row: ViewRow): Fate {
  const at = state.held.findIndex((other) => other.primaryKey === row.primaryKey && other.input === row.input);
  if (at === -1) return 'unmatched';
  state.held.splice(at, 1);
  return 'held';
}

function isBefore(a: ViewRow, b: ViewRow): boolean {
  if (a.eventTime_us !== b.eventTime_us) return a.eventTime_us < b.eventTime_us;
  return a.primaryKey === b.primaryKey ? a.input < b.input : a.primaryKey < b.primaryKey;
}
