/**
 * Runs of rows, each less than the gap after the one before. A pane holds the rows of one instant. The newest run, the only one that T can
 * be in, has running aggregates; older ones are kept as long as a row may still join them to it. A row extends or joins runs, a
 * retraction may split one: only then is the newest run counted anew.
 */
import type { ByteReader, ByteWriter } from '../../frames/bytes.ts';
import type { Aggregate } from '../aggregates/aggregate.ts';
import { createAggregate } from '../aggregates/create-aggregate.ts';
import { PaneStore, type Pane } from './pane-store.ts';
import type { Fate, Moment, Series, ViewRow } from './series.ts';
import type { SessionSeriesLayout } from './view-layout.ts';
import { WindowFollowers } from './window-followers.ts';

/** The newest run. */
interface Run {
  /** The instant of its first row. */
  first: number;
  readonly aggregates: readonly Aggregate[];
}

/** Shared by all keys: nothing in it outlives a call. */
const followers = new WindowFollowers();

export class SessionSeries implements Series {
  private readonly layout: SessionSeriesLayout;
  private readonly gap_us: number;
  private readonly store: PaneStore;
  /** Null when there is no row, or it has to be counted anew. */
  private run: Run | null = null;
  /** Rows before this touch runs that are not kept any more. */
  private floor_us = -Infinity;
  /** The last instant of the oldest run; null when it has to be looked for. */
  private oldestRunEnd: number | null = null;
  private overflows = 0;

  constructor(layout: SessionSeriesLayout) {
    this.layout = layout;
    this.gap_us = layout.windows[0].window.gap_us;
    this.store = new PaneStore(layout.aggregates, Math.max(1, Math.floor(this.gap_us / 8)));
  }

  /** A floor stays: who forgets the key forgets that rows were given up. It is behind the data mark by then. */
  get isEmpty(): boolean {
    return this.store.isEmpty;
  }

  advance(moment: Moment): boolean {
    const last = this.store.panes.at(-1);
    if (last === undefined) return false;
    this.prune(moment);
    const end_us = last.index + this.gap_us;
    return moment.publishedAsOf_us < end_us && end_us <= moment.asOf_us;
  }

  /** Gives up the oldest runs that no row can reach any more. */
  private prune(moment: Moment): void {
    const { panes } = this.store;
    while (panes.length > 0 && this.isOutOfReach(panes[0]!.index, moment)) {
      const end = (this.oldestRunEnd ??= this.endOfOldestRun());
      if (!this.isOutOfReach(end, moment)) return;
      if (this.run !== null && this.run.first <= end) this.run = null;
      this.store.dropOldest(this.store.lowerBound(end + 1));
      this.floor_us = end + this.gap_us;
      this.oldestRunEnd = null;
    }
  }

  private isOutOfReach(end: number, { asOf_us, marks, allowedLateness_us }: Moment): boolean {
    return end + this.gap_us <= asOf_us && end + 2 * this.gap_us + allowedLateness_us <= marks.data_us;
  }

  private endOfOldestRun(): number {
    const { panes } = this.store;
    let i = 0;
    while (i + 1 < panes.length && panes[i + 1]!.index - panes[i]!.index < this.gap_us) i++;
    return panes[i]!.index;
  }

  insert(row: ViewRow, moment: Moment): Fate {
    if (row.input !== this.layout.input) return 'passed';
    const { eventTime_us: time_us } = row;
    if (time_us < this.floor_us || (this.isPast(time_us, moment) && !this.touchesARun(time_us))) return 'late';
    this.forgetOldestRunEnd(time_us);
    this.startRun();
    const isNew = this.store.find(time_us) === undefined;
    if (isNew) this.makeRoom(time_us);
    const pane = this.store.obtain(time_us);
    pane.rows++;
    for (let a = 0; a < this.layout.aggregates.length; a++) {
      const { where, value } = this.layout.aggregates[a]!;
      if (where !== null && !where(row.row)) continue;
      this.follow(a, time_us);
      pane.aggregates[a]!.insert(value === null ? true : value(row.row), row, followers);
    }
    if (isNew) this.joinEarlierRuns();
    this.overflows += followers.overflows;
    followers.overflows = 0;
    return 'applied';
  }

  /** A row of an instant that has none yet may begin a run, or put its beginning back. */
  private makeRoom(time_us: number): void {
    const last = this.store.panes.at(-1);
    if (this.run === null || last === undefined || time_us >= last.index + this.gap_us) this.run = this.newRun(time_us);
    else if (time_us < this.run.first && time_us > this.run.first - this.gap_us) this.run.first = time_us;
  }

  private joinEarlierRuns(): void {
    const run = this.run!;
    const { panes } = this.store;
    let at = this.store.lowerBound(run.first) - 1;
    while (at >= 0 && run.first - panes[at]!.index < this.gap_us) {
      add(run, panes[at]!);
      run.first = panes[at]!.index;
      at--;
    }
  }

  retract(row: ViewRow, moment: Moment): Fate {
    if (row.input !== this.layout.input) return 'passed';
    const { eventTime_us: time_us } = row;
    const pane = this.store.find(time_us);
    if (pane === undefined) {
      return time_us < this.floor_us || this.isPast(time_us, moment) ? 'late' : 'unmatched';
    }
    this.forgetOldestRunEnd(time_us);
    this.startRun();
    this.store.touch(time_us);
    pane.rows--;
    let found = true;
    for (let a = 0; a < this.layout.aggregates.length; a++) {
      const { where, value } = this.layout.aggregates[a]!;
      if (where !== null && !where(row.row)) continue;
      this.follow(a, time_us);
      if (!pane.aggregates[a]!.retract(value === null ? true : value(row.row), row, followers)) found = false;
    }
    if (pane.rows === 0) this.removePane(pane);
    return found ? 'applied' : 'unmatched';
  }

  private removePane(pane: Pane): void {
    const { panes } = this.store;
    const at = this.store.lowerBound(pane.index);
    const [before, after] = [panes[at - 1], panes[at + 1]];
    this.store.remove(pane.index);
    const run = this.run!;
    if (pane.index < run.first) return;
    const isLast = after === undefined;
    const isGone = isLast && (before === undefined || before.index < run.first);
    const isTorn = !isLast && pane.index !== run.first && after.index - before!.index >= this.gap_us;
    if (isGone || isTorn || !pane.aggregates.every(({ isEmpty }) => isEmpty)) this.run = null;
    else if (pane.index === run.first) run.first = after!.index;
  }

  private isPast(time_us: number, { marks, allowedLateness_us }: Moment): boolean {
    return time_us + this.gap_us + allowedLateness_us <= marks.data_us;
  }

  private touchesARun(time_us: number): boolean {
    const at = this.store.lowerBound(time_us);
    const [before, after] = [this.store.panes[at - 1], this.store.panes[at]];
    return (
      (before !== undefined && time_us - before.index < this.gap_us) ||
      (after !== undefined && after.index - time_us < this.gap_us)
    );
  }

  private forgetOldestRunEnd(time_us: number): void {
    if (this.oldestRunEnd !== null && time_us < this.oldestRunEnd + this.gap_us) this.oldestRunEnd = null;
  }

  /** Counts the newest run where it is not known: after a restore, or a split. */
  private startRun(): void {
    const last = this.store.panes.at(-1);
    if (this.run !== null || last === undefined) return;
    this.run = this.newRun(last.index);
    add(this.run, last);
    this.joinEarlierRuns();
  }

  private newRun(first: number): Run {
    return { first, aggregates: this.layout.aggregates.map(({ state }) => createAggregate(state, 'window')) };
  }

  private follow(a: number, time_us: number): void {
    followers.targets.length = 0;
    if (this.run !== null && time_us >= this.run.first) followers.targets.push(this.run.aggregates[a]!);
  }

  nextChange_us({ asOf_us, allowedLateness_us }: Moment): number {
    const { panes } = this.store;
    const last = panes.at(-1);
    if (last === undefined) return Infinity;
    if (asOf_us < last.index + this.gap_us) return last.index + this.gap_us;
    const forgotten_us = last.index + 2 * this.gap_us + allowedLateness_us;
    // The data mark may be behind T: looked at again a gap later.
    return asOf_us < forgotten_us ? forgotten_us : asOf_us + this.gap_us;
  }

  closesAt_us(): number {
    const last = this.store.panes.at(-1);
    return last === undefined ? Infinity : last.index + this.gap_us;
  }

  aggregateOf(_window: number, aggregate: number, asOf_us: number): Aggregate | null {
    const last = this.store.panes.at(-1);
    if (last === undefined || asOf_us >= last.index + this.gap_us) return null;
    this.startRun();
    return this.run!.aggregates[aggregate]!;
  }

  takeOverflows(): number {
    const { overflows } = this;
    this.overflows = 0;
    return overflows;
  }

  write(out: ByteWriter): void {
    out.f64(this.floor_us);
    this.store.writeInline(out);
  }

  read(from: ByteReader): void {
    this.floor_us = from.f64();
    this.store.readInline(from);
  }

  takeChunks(out: ByteWriter, take: (chunk: number, value: Buffer | null) => void): void {
    this.store.takeChunks(out, take);
  }

  get storedChunks(): Iterable<number> {
    return this.store.storedChunks;
  }

  readChunk(chunk: number, from: ByteReader): void {
    this.store.readChunk(chunk, from);
  }
}

function add(run: Run, { aggregates }: Pane): void {
  run.aggregates.forEach((aggregate, a) => {
    aggregate.add(aggregates[a]!);
  });
}
