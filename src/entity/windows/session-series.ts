/**
 * Runs of rows, each less than the gap after the one before. A pane holds the rows of one instant. The newest run, the only one that T can
 * be in, has running aggregates; older ones are kept as long as a row may still join them to it. A row extends or joins runs, a
 * retraction may split one: only then is the newest run counted anew.
 */
import type { ByteReader, ByteWriter } from '../../frames/bytes.ts';
import type { Aggregate } from '../aggregates/aggregate.ts';
import { createAggregate } from '../aggregates/create-aggregate.ts';
import type { Pane } from './pane.ts';
import { PaneStore } from './pane-store.ts';
import type { Fate, Moment, Series, ViewRow } from './series.ts';
import { valuesOf, type SessionSeriesLayout } from './view-layout.ts';
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
  /** The last instant of the oldest run; null when it has to be looked for. */
  private oldestRunEnd: number | null = null;
  private overflows = 0;

  constructor(layout: SessionSeriesLayout) {
    this.layout = layout;
    this.gap_us = layout.windows[0].window.gap_us;
    this.store = new PaneStore(layout.aggregates, Math.max(1, Math.floor(this.gap_us / 8)));
  }

  get isEmpty(): boolean {
    return this.store.isEmpty;
  }

  advance(moment: Moment): boolean {
    const last = this.last;
    if (last === null) return false;
    this.prune(moment);
    const end_us = last + this.gap_us;
    return moment.publishedAsOf_us < end_us && end_us <= moment.asOf_us;
  }

  /** The instant of the newest row. */
  private get last(): number | null {
    return this.store.indexBelow(Infinity);
  }

  /** Gives up the oldest runs that no row can reach any more. */
  private prune(moment: Moment): void {
    for (;;) {
      const first = this.store.indexFrom(-Infinity);
      if (first === null || !this.isOutOfReach(first, moment)) return;
      const end = (this.oldestRunEnd ??= this.endOfOldestRun(first));
      if (!this.isOutOfReach(end, moment)) return;
      if (this.run !== null && this.run.first <= end) this.run = null;
      this.store.dropBelow(end + 1);
      this.oldestRunEnd = null;
    }
  }

  /** Whatever touches a run that ended there {@link isTooOld}. So what is kept follows from rows and marks, not from their order. */
  private isOutOfReach(end: number, { marks, allowedLateness_us }: Moment): boolean {
    return end + 3 * this.gap_us + allowedLateness_us <= marks.data_us;
  }

  private endOfOldestRun(first: number): number {
    for (let end = first; ;) {
      const next = this.store.indexFrom(end + 1);
      if (next === null || next - end >= this.gap_us) return end;
      end = next;
    }
  }

  insert(row: ViewRow, moment: Moment): Fate {
    if (row.input !== this.layout.input) return 'passed';
    const { eventTime_us: time_us } = row;
    if (this.isPast(time_us, moment) && (this.isTooOld(time_us, moment) || !this.touchesARun(time_us))) return 'late';
    this.forgetOldestRunEnd(time_us);
    this.startRun();
    const known = this.store.find(time_us);
    if (known === null) this.makeRoom(time_us);
    const pane = known ?? this.store.create(time_us);
    if (known === null && this.layout.keepsSingles) {
      pane.takeSingle(valuesOf(this.layout, row), this.layout.keepsOrder ? row : null);
      if (time_us >= this.run!.first) pane.addTo(this.run!.aggregates);
    } else this.insertInto(pane, row);
    if (known === null) this.joinEarlierRuns();
    return 'applied';
  }

  private insertInto(pane: Pane, row: ViewRow): void {
    pane.rows++;
    for (let a = 0; a < this.layout.aggregates.length; a++) {
      const { where, value } = this.layout.aggregates[a]!;
      if (where !== null && !where(row.row)) continue;
      this.follow(a, pane.index);
      pane.aggregates[a]!.insert(value === null ? true : value(row.row), row, followers);
    }
    this.overflows += followers.overflows;
    followers.overflows = 0;
  }

  /** A row of an instant that has none yet may begin a run, or put its beginning back. */
  private makeRoom(time_us: number): void {
    const last = this.last;
    if (this.run === null || last === null || time_us >= last + this.gap_us) this.run = this.newRun(time_us);
    else if (time_us < this.run.first && time_us > this.run.first - this.gap_us) this.run.first = time_us;
  }

  private joinEarlierRuns(): void {
    const run = this.run!;
    for (;;) {
      const before = this.store.indexBelow(run.first);
      if (before === null || run.first - before >= this.gap_us) return;
      this.store.at(before).addTo(run.aggregates);
      run.first = before;
    }
  }

  retract(row: ViewRow, moment: Moment): Fate {
    if (row.input !== this.layout.input) return 'passed';
    const { eventTime_us: time_us } = row;
    const pane = this.store.find(time_us);
    if (pane === null) {
      return this.isPast(time_us, moment) ? 'late' : 'unmatched';
    }
    this.forgetOldestRunEnd(time_us);
    this.startRun();
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
    this.store.remove(pane.index);
    const before = this.store.indexBelow(pane.index);
    const after = this.store.indexFrom(pane.index);
    const run = this.run!;
    if (pane.index < run.first) return;
    const isGone = after === null && (before === null || before < run.first);
    const isTorn = after !== null && pane.index !== run.first && after - before! >= this.gap_us;
    if (isGone || isTorn || !pane.isEmpty) this.run = null;
    else if (pane.index === run.first) run.first = after!;
  }

  private isPast(time_us: number, { marks, allowedLateness_us }: Moment): boolean {
    return time_us + this.gap_us + allowedLateness_us <= marks.data_us;
  }

  /** Not even a run that is kept takes it: it might join one that was given up. */
  private isTooOld(time_us: number, { marks, allowedLateness_us }: Moment): boolean {
    return time_us + 2 * this.gap_us + allowedLateness_us <= marks.data_us;
  }

  private touchesARun(time_us: number): boolean {
    const after = this.store.indexFrom(time_us);
    if (after !== null && after - time_us < this.gap_us) return true;
    const before = this.store.indexBelow(time_us);
    return before !== null && time_us - before < this.gap_us;
  }

  private forgetOldestRunEnd(time_us: number): void {
    if (this.oldestRunEnd !== null && time_us < this.oldestRunEnd + this.gap_us) this.oldestRunEnd = null;
  }

  /** Counts the newest run where it is not known: after a restore, or a split. */
  private startRun(): void {
    const { newest } = this.store;
    if (this.run !== null || newest === null) return;
    this.run = this.newRun(newest.index);
    newest.addTo(this.run.aggregates);
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
    const { last } = this;
    if (last === null) return Infinity;
    if (asOf_us < last + this.gap_us) return last + this.gap_us;
    const forgotten_us = last + 3 * this.gap_us + allowedLateness_us;
    // The data mark may be behind T: looked at again a gap later.
    return asOf_us < forgotten_us ? forgotten_us : asOf_us + this.gap_us;
  }

  closesAt_us(): number {
    const { last } = this;
    return last === null ? Infinity : last + this.gap_us;
  }

  aggregateOf(_window: number, aggregate: number, asOf_us: number): Aggregate | null {
    const { last } = this;
    if (last === null || asOf_us >= last + this.gap_us) return null;
    this.startRun();
    return this.run!.aggregates[aggregate]!;
  }

  takeOverflows(): number {
    const { overflows } = this;
    this.overflows = 0;
    return overflows;
  }

  write(out: ByteWriter): void {
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
