/**
 * Panes of one length, and the windows over them. A row goes into one pane and into a running aggregate for each window; a pane that
 * leaves a window is subtracted from that. So the cost of a row does not depend on how many panes a window has. ("Subtract-on-evict":
 * Hirzel, Schneider, Tangwongsan, "Sliding-window aggregation algorithms", DEBS 2017.)
 */
import type { ByteReader, ByteWriter } from '../../frames/bytes.ts';
import type { Aggregate } from '../aggregates/aggregate.ts';
import { createAggregate } from '../aggregates/create-aggregate.ts';
import type { Pane, WindowAggregates } from './pane.ts';
import { PaneStore } from './pane-store.ts';
import { leavesAt_us, lowestPane, paneIndex, takesRowsUntil_us } from './pane-range.ts';
import type { Fate, Moment, Series, ViewRow } from './series.ts';
import { valuesOf, type PaneSeriesLayout } from './view-layout.ts';
import { WindowFollowers } from './window-followers.ts';

/** A window as of T: it holds the panes from `from` on. */
interface Running {
  from: number;
  /** By the series' aggregations, null where the window's features do not read it. Null for a window that is one pane. */
  readonly aggregates: WindowAggregates | null;
}

/** Shared by all keys: nothing in it outlives a call. */
const followers = new WindowFollowers();

export class PaneSeries implements Series {
  private readonly layout: PaneSeriesLayout;
  private readonly store: PaneStore;
  /** Per window; made when a row or time first comes. */
  private running: readonly Running[] | null = null;
  /** The lowest pane that a window holds. */
  private lowest = -Infinity;
  /** The next T at which a pane leaves a window. */
  private nextLeave_us = Infinity;
  private overflows = 0;

  constructor(layout: PaneSeriesLayout) {
    this.layout = layout;
    this.store = new PaneStore(layout.aggregates, layout.chunkPanes);
  }

  get isEmpty(): boolean {
    return this.store.isEmpty;
  }

  advance({ asOf_us, publishedAsOf_us }: Moment): boolean {
    // After a restore: as the windows stood when their values were given out, so that it shows what has left them since.
    if (this.running === null) this.start(publishedAsOf_us);
    const hasMoved = asOf_us >= this.nextLeave_us;
    const { windows } = this.layout;
    this.lowest = Infinity;
    for (let w = 0; w < windows.length; w++) {
      const from = lowestPane(windows[w]!.window, asOf_us);
      if (from < this.lowest) this.lowest = from;
      const running = this.running![w]!;
      if (hasMoved) this.evict(running, from);
      running.from = from;
    }
    if (!hasMoved) return false;
    this.store.expireBelow(this.lowest);
    this.updateNextLeave();
    return true;
  }

  private start(asOf_us: number): void {
    const plans = this.layout.aggregates;
    this.running = this.layout.windows.map((layout) => {
      const from = lowestPane(layout.window, asOf_us);
      if (layout.hasOnePane) return { from, aggregates: null };
      const aggregates = plans.map(({ state }, a) =>
        layout.aggregates.includes(a) ? createAggregate(state, 'window') : null,
      );
      this.store.look(from, (pane) => {
        pane.addTo(aggregates);
      });
      return { from, aggregates };
    });
    this.lowest = Math.min(...this.running.map(({ from }) => from));
    this.updateNextLeave();
  }

  private evict(running: Running, below: number): void {
    if (running.aggregates === null || running.from === below) return;
    this.store.leave(running.from, below, running.aggregates);
  }

  private updateNextLeave(): void {
    let next_us = Infinity;
    for (let w = 0; w < this.running!.length; w++) {
      const oldest = this.store.indexFrom(this.running![w]!.from);
      if (oldest !== null) next_us = Math.min(next_us, leavesAt_us(this.layout.windows[w]!.window, oldest));
    }
    this.nextLeave_us = next_us;
  }

  insert(row: ViewRow, moment: Moment): Fate {
    const index = paneIndex(row.eventTime_us, this.layout.width_us);
    if (!this.isInAWindow(index)) return this.fateOfPast(row, moment);
    const known = this.store.find(index);
    if (known === null) this.insertFirst(this.store.create(index), row);
    else this.insertInto(known, row);
    return 'applied';
  }

  private insertFirst(pane: Pane, row: ViewRow): void {
    const { windows, keepsSingles, keepsOrder } = this.layout;
    const running = this.running!;
    for (let w = 0; w < running.length; w++) {
      if (pane.index < running[w]!.from) continue;
      this.nextLeave_us = Math.min(this.nextLeave_us, leavesAt_us(windows[w]!.window, pane.index));
    }
    if (!keepsSingles) {
      this.insertInto(pane, row);
      return;
    }
    pane.takeSingle(valuesOf(this.layout, row), keepsOrder ? row : null);
    for (let w = 0; w < running.length; w++) {
      const { from, aggregates } = running[w]!;
      if (aggregates !== null && pane.index >= from) pane.addTo(aggregates);
    }
  }

  private insertInto(pane: Pane, row: ViewRow): void {
    pane.rows++;
    const { byInput, aggregates } = this.layout;
    for (const a of byInput[row.input]!) {
      const { where, value } = aggregates[a]!;
      if (where !== null && !where(row.row)) continue;
      this.follow(a, pane.index);
      pane.aggregates[a]!.insert(value === null ? true : value(row.row), row, followers);
    }
    this.overflows += followers.overflows;
    followers.overflows = 0;
  }

  retract(row: ViewRow, moment: Moment): Fate {
    const index = paneIndex(row.eventTime_us, this.layout.width_us);
    if (!this.isInAWindow(index)) return this.fateOfPast(row, moment);
    const pane = this.store.find(index);
    if (pane === null) return 'unmatched';
    let found = true;
    pane.rows--;
    const { byInput, aggregates } = this.layout;
    for (const a of byInput[row.input]!) {
      const { where, value } = aggregates[a]!;
      if (where !== null && !where(row.row)) continue;
      this.follow(a, index);
      if (!pane.aggregates[a]!.retract(value === null ? true : value(row.row), row, followers)) found = false;
    }
    if (pane.rows === 0) {
      this.leave(pane);
      this.store.remove(index);
      // Panes that have left all windows stay with a neighbour that is read. If this was the last, no timer would come to them.
      this.store.expireBelow(this.lowest);
      this.updateNextLeave();
    }
    return found ? 'applied' : 'unmatched';
  }

  /** What was never there may have been taken back: then something is left in a pane without rows, and goes with it. */
  private leave(pane: Pane): void {
    if (pane.isEmpty) return;
    for (const { from, aggregates } of this.running!)
      if (aggregates !== null && pane.index >= from) pane.subtractFrom(aggregates);
  }

  /** T has come to where it is: {@link advance} is called before. */
  private isInAWindow(index: number): boolean {
    const running = this.running!;
    for (let w = 0; w < running.length; w++) if (index >= running[w]!.from) return true;
    return false;
  }

  /** Monotone: once no window takes a row, none ever will, so a refused row's retraction is refused too. */
  private fateOfPast({ eventTime_us }: ViewRow, { marks, allowedLateness_us }: Moment): Fate {
    const isOpen = this.layout.windows.some(
      ({ window }) => takesRowsUntil_us(window, eventTime_us, allowedLateness_us) > marks.data_us,
    );
    return isOpen ? 'passed' : 'late';
  }

  private follow(a: number, index: number): void {
    const { targets } = followers;
    targets.length = 0;
    const running = this.running!;
    for (let w = 0; w < running.length; w++) {
      const { from, aggregates } = running[w]!;
      const aggregate = aggregates?.[a] ?? null;
      if (aggregate !== null && index >= from) targets.push(aggregate);
    }
  }

  nextChange_us(): number {
    return this.nextLeave_us;
  }

  closesAt_us(): number {
    // Of windows that close, each is one pane.
    const oldest = this.store.indexFrom(-Infinity);
    return oldest === null ? Infinity : leavesAt_us(this.layout.windows[0]!.window, oldest);
  }

  aggregateOf(window: number, aggregate: number, asOf_us: number): Aggregate | null {
    if (this.running === null) this.start(asOf_us);
    const { aggregates } = this.running![window]!;
    if (aggregates !== null) return aggregates[aggregate]!;
    const from = lowestPane(this.layout.windows[window]!.window, asOf_us);
    // Only the newest pane can be at T: rows ahead of T are not here.
    const pane = this.store.newest;
    return pane === null || pane.index < from ? null : pane.aggregates[aggregate]!;
  }

  takeOverflows(): number {
    const { overflows } = this;
    this.overflows = 0;
    return overflows;
  }

  write(out: ByteWriter): void {
    // What is kept follows from T, not from which pane was the last to leave.
    this.store.expireBelow(this.lowest);
    this.store.writeInline(out);
  }

  read(from: ByteReader): void {
    this.store.readInline(from);
  }

  takeChunks(out: ByteWriter, take: (chunk: number, value: Buffer | null) => void): void {
    this.store.takeChunks(out, take);
  }

  get storedChunks(): ReadonlySet<number> {
    return this.store.storedChunks;
  }

  readChunk(chunk: number, bytes: Uint8Array): void {
    this.store.readChunk(chunk, bytes);
  }
}
