/**
 * (B) The state machine of one entity partition: frames in, values out. Deterministic: the same frames at the same positions give
 * the same values, whatever stood between them. No clock, no randomness, no I/O.
 */
import type { Scalar, Value } from '../define/column.ts';
import { keyOf } from '../define/key.ts';
import type { EntityPlan, Row, TablePlan, ViewPlan } from '../define/plan.ts';
import { MillraceError } from '../errors.ts';
import {
  type EntityFrame,
  type Marks,
  type MarksFrame,
  type RowEntry,
  type RowsFrame,
  type SourceId,
} from '../frames/row-frame.ts';
import { TaskMarks, type SourceProgress } from './task-marks.ts';
import { withEntry, type StateChange } from './state-entry.ts';
import { taskRecordKey } from './state-key.ts';
import { encodeTaskRecord, type TaskRecord } from './task-record.ts';
import { eachKeyOf, readersOf, type TableReader } from './table-readers.ts';
import { TaskResidency } from './task-residency.ts';
import { TimerNotes } from './timer-notes.ts';
import { TimerQueue } from './timer-queue.ts';
import type { Timer } from './timers.ts';
import { ViewTask } from './view-task.ts';
import type { Fate, ViewRow } from './windows/series.ts';

/**
 * Timers that one frame fires at most, beside those of its own rows' keys: a window end with many keys spreads over frames, most of it
 * over ticks, so that it does not slow down the rows that come meanwhile.
 */
export const timersPerFrame = 16;
export const timersPerTick = 256;

/** A view's values for a key, as of T, produced by the frame at `position`. */
export interface Emission {
  readonly view: ViewPlan;
  readonly key: string;
  readonly position: number;
  readonly asOf_us: number;
  readonly values: readonly Value[];
  /** The first row of the frame that concerned the key; null when only time passed. */
  readonly cause: RowEntry | null;
}

/** What was counted since {@link EntityTask.takeCounters}. */
export interface EntityCounters {
  rows: number;
  /** Rows that were seen before, at or below the source offset that was applied. */
  duplicates: number;
  timers: number;
  /** Entries of aggregates that were left out, because a pane holds as many as it may. */
  overflows: number;
  readonly insertions: Record<Fate, number>;
  readonly retractions: Record<Fate, number>;
}

export class EntityTask {
  readonly entity: EntityPlan;
  /** What is in memory, and what is on disk only. */
  readonly residency: TaskResidency;
  private counters = noCounters();
  private readonly sources: TaskMarks;
  private readonly timers = new TimerQueue();
  private readonly views: readonly ViewTask[];
  /** Per table, who reads it. */
  private readonly readers: readonly (readonly TableReader[])[];
  /** Per view, the keys that this frame concerns, each with its first row. */
  private readonly touched: readonly Map<string, RowEntry | null>[];

  /**
   * @param record where the task stood when its state was written; null for one that starts. Before the first frame the keys' states are to
   *   be given to {@link load} and {@link TaskResidency.leave}, or all left on disk by {@link TaskResidency.openOnDisk}.
   */
  constructor(entity: EntityPlan, record: TaskRecord | null = null) {
    this.entity = entity;
    this.sources = new TaskMarks(entity, record?.sources);
    const notes = new TimerNotes();
    this.views = entity.views.map((view) => new ViewTask(entity, view, this.timers.heap, notes));
    this.readers = entity.tables.map((_, index) => readersOf(entity, index, this.views));
    this.touched = entity.views.map(() => new Map<string, RowEntry | null>());
    const { views, timers, readers } = this;
    this.residency = new TaskResidency({
      entity: entity.name,
      views,
      timers,
      notes,
      readers,
      marks: () => this.marks,
      timerLimit,
    });
  }

  get marks(): Marks {
    return this.sources.marks;
  }

  /** The last source offset that was applied of a source partition; −1 before the first. */
  sourceOffset({ table, partition }: Pick<SourceId, 'table' | 'partition'>): number {
    return this.sources.sources[table]?.partitions[partition]?.offset ?? -1;
  }

  /** Keys that hold state, over all views. */
  get size(): number {
    return this.views.reduce((sum, { keys }) => sum + keys.size, 0);
  }

  /** A key's state as {@link takeChanges} gave it. @throws MillraceError `state-unreadable` */
  load({ key, value }: StateChange): void {
    withEntry(this.entity.name, { key, value }, (at, bytes) => {
      this.views[at.view]!.load(at, bytes);
    });
  }

  /** Keys that changed since the last call of {@link takeChanges}, over all views. */
  get changedKeys(): number {
    return this.views.reduce((sum, { keys }) => sum + keys.changedSize, 0);
  }

  /** The states of all keys that changed since the last call, as of the last frame; null where one is to be forgotten. */
  takeChanges(): StateChange[] {
    const changes: StateChange[] = [];
    for (const { keys } of this.views) keys.takeChanges((key, value) => changes.push({ key, value }));
    return changes;
  }

  /** Keeps what the task record says as of the last frame and the last take; how far values are stored online may be known later. */
  recorder(position: number): (published: number) => StateChange {
    const sources = structuredClone(this.sources.sources);
    const keys = this.views.map((view) => view.keys.counts);
    return (published) => ({
      key: taskRecordKey,
      value: encodeTaskRecord(this.entity, { position, published, sources, keys }),
    });
  }

  /** The newest value of every key, each at the position that emitted it, of keys that are not only on disk. */
  *published(): Iterable<Emission> {
    for (const view of this.views) {
      for (const key of view.keys.publishedKeys()) {
        yield { view: view.plan, key, cause: null, ...view.published(key) };
      }
    }
  }

  /** Calls with each key of a view that a row of a table concerns here. */
  eachKeyOf(table: number, row: RowEntry, call: (view: ViewPlan, key: string) => void): void {
    eachKeyOf(this.readers[table]!, row, (view, key) => {
      call(view.plan, key);
    });
  }

  viewAt(index: number): ViewTask {
    return this.views[index]!;
  }

  /** What was counted since the last call. */
  takeCounters(): EntityCounters {
    const counted = this.counters;
    for (const view of this.views) counted.overflows += view.takeOverflows();
    this.counters = noCounters();
    return counted;
  }

  /** Timers are due that the last frame did not get to, or may be, on disk: a further frame is needed. */
  get hasDueTimers(): boolean {
    return this.dueTimer() !== undefined || !this.residency.hasTimersUntil(this.marks.clock_us);
  }

  /**
   * Applies the frame at a position and returns at most one value per (view, key).
   * @throws MillraceError `frame-hole` when frames are missing before this one.
   * @throws SourceStoppedError when a source topic is not the one that the state was made from.
   */
  apply(frame: EntityFrame, position: number): Emission[] {
    switch (frame.kind) {
      case 'rows':
        this.applyRows(frame);
        break;
      case 'marks':
        this.applyMarks(frame);
        break;
      case 'tick':
        break;
    }
    this.fireTimers(timerLimit(frame));
    return this.emit(position);
  }

  private applyMarks(frame: MarksFrame): void {
    for (const { source, marks } of frame.sources) this.sources.take(source, marks);
  }

  private applyRows(frame: RowsFrame): void {
    const progress = this.sources.take(frame.source, frame.marks);
    if (!this.isNext(frame, progress)) return;
    const table = this.entity.tables[frame.source.table]!;
    const readers = this.readers[frame.source.table]!;
    for (const row of frame.rows) {
      if (row.offset <= progress.offset) {
        this.counters.duplicates++;
        continue;
      }
      progress.offset = row.offset;
      this.counters.rows++;
      for (const reader of readers) this.applyRow(reader, table, row);
    }
  }

  /** Whether a frame is of the current session or opens a newer one. Frames of an older session are a zombie's: the newer repeats them. */
  private isNext(frame: RowsFrame, progress: SourceProgress): boolean {
    if (frame.session < progress.session) return false;
    if (frame.session === progress.session) {
      if (frame.number <= progress.number) return false;
      if (frame.number !== progress.number + 1) throw hole(this.entity, frame, progress.number + 1);
    } else if (frame.number !== 0) throw hole(this.entity, frame, 0);
    progress.session = frame.session;
    progress.number = frame.number;
    return true;
  }

  private applyRow(reader: TableReader, table: TablePlan, row: RowEntry): void {
    if ((row.routes & reader.beforeBit) !== 0) {
      const key = keyOf(row.before!, reader.keyColumns)!;
      this.counters.retractions[reader.view.retract(key, viewRow(reader, table, row, row.before!), this.marks)]++;
      this.touch(reader.view, key, row);
    }
    if ((row.routes & reader.afterBit) !== 0) {
      const key = keyOf(row.after!, reader.keyColumns)!;
      this.counters.insertions[reader.view.insert(key, viewRow(reader, table, row, row.after!), this.marks)]++;
      this.touch(reader.view, key, row);
    }
  }

  /** Every row that concerns a key gives a value, so that a value online is never older than a row that it should contain. */
  private touch(view: ViewTask, key: string, cause: RowEntry | null): void {
    const keys = this.touched[view.plan.index]!;
    if (!keys.has(key)) keys.set(key, cause);
  }

  private fireTimers(limit: number): void {
    for (let fired = 0; fired < limit; fired++) {
      const timer = this.dueTimer();
      if (timer === undefined && this.residency.hasTimersUntil(this.marks.clock_us)) return;
      if (timer === undefined || !this.residency.isNext(timer))
        throw new Error(`entity ${this.entity.name}: due timers are on disk and were not brought`);
      this.timers.heap.pop();
      const view = this.views[timer.view]!;
      this.counters.timers++;
      if (view.fire(timer.key, this.marks)) this.touch(view, timer.key, null);
    }
  }

  private dueTimer(): Timer | undefined {
    for (;;) {
      const timer = this.timers.heap.peek();
      if (timer === undefined || timer.time_us > this.marks.clock_us) return undefined;
      const view = this.views[timer.view]!;
      if (view.dueOf(timer) === timer.time_us) return timer;
      this.timers.heap.pop();
      view.rearm(timer);
    }
  }

  private emit(position: number): Emission[] {
    const emissions: Emission[] = [];
    this.touched.forEach((keys, index) => {
      const view = this.views[index]!;
      keys.forEach((cause, key) => {
        const value = view.giveOut(key, position, this.marks);
        if (value !== null) emissions.push({ view: view.plan, key, position, ...value, cause });
      });
      keys.clear();
    });
    return emissions;
  }
}

const timerLimit = (frame: EntityFrame): number => (frame.kind === 'tick' ? timersPerTick : timersPerFrame);

/** A row of a table without event time is of no time: it is there at once, and moves no T. */
function viewRow({ input }: TableReader, { time, primaryKey }: TablePlan, { commit_us }: RowEntry, row: Row): ViewRow {
  const eventTime_us = time === null ? -Infinity : Number(row[time.column]);
  return {
    input,
    row,
    eventTime_us,
    reach_us: time === null ? -Infinity : Math.min(eventTime_us, commit_us + time.maxAhead_us),
    primaryKey: primaryKey.map((column) => row[column] as Scalar),
  };
}

function hole(entity: EntityPlan, frame: RowsFrame, expected: number): MillraceError {
  const table = entity.tables[frame.source.table]!;
  return new MillraceError(
    'frame-hole',
    `entity log of ${entity.name}: frames of ${table.topic}/${frame.source.partition} are missing: session ${frame.session} goes on with ` +
      `number ${frame.number}, expected ${expected}. Nothing was applied; raise the generation to rebuild from the sources`,
  );
}

function noCounters(): EntityCounters {
  const noFates = (): Record<Fate, number> => ({ applied: 0, held: 0, passed: 0, late: 0, unmatched: 0 });
  return { rows: 0, duplicates: 0, timers: 0, overflows: 0, insertions: noFates(), retractions: noFates() };
}
