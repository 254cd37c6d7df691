/**
 * What of an entity task's state is in memory, and what on disk only. The task itself reads nothing: whoever runs it brings what its next
 * frames need, and may let go of what was not used for a while.
 *
 * @example
 * for (const ref of residency.missingKeys(frames)) {
 *   const stored = residency.read(ref, await own(ref));
 *   for (const chunk of residency.chunksOf(ref, stored)) residency.readChunk(chunk, await read(chunk.key));
 *   residency.bring(ref, stored);
 * }
 */
import type { EntityFrame, Marks } from '../frames/row-frame.ts';
import type { ColdKey, StoredKey } from './key-table.ts';
import { readingState, withEntry, type StateChange } from './state-entry.ts';
import { chunkKey } from './state-key.ts';
import { eachKeyOf, type TableReader } from './table-readers.ts';
import { inFront_us, storedTimerKey } from './stored-timer.ts';
import type { KeyCounts } from './task-record.ts';
import { placeOf, type NoteChanges, type TimerNotes } from './timer-notes.ts';
import type { TimerPage, TimerQueue } from './timer-queue.ts';
import type { Timer } from './timers.ts';
import type { ViewTask } from './view-task.ts';
import type { Series } from './windows/series.ts';

/** A key of a view. */
export interface KeyRef {
  readonly view: number;
  readonly key: string;
}

/** A chunk of a key that is read from disk. */
export interface ChunkRef {
  readonly stored: StoredKey;
  readonly series: Series;
  readonly chunk: number;
  /** Of its entry. */
  readonly key: Buffer;
}

export interface ResidencyOptions {
  readonly entity: string;
  readonly views: readonly ViewTask[];
  readonly timers: TimerQueue;
  readonly notes: TimerNotes;
  /** Per table. */
  readonly readers: readonly (readonly TableReader[])[];
  readonly marks: () => Marks;
  /** Timers that a frame fires at most. */
  readonly timerLimit: (frame: EntityFrame) => number;
}

export class TaskResidency {
  private readonly options: ResidencyOptions;

  constructor(options: ResidencyOptions) {
    this.options = options;
  }

  /** No state is on disk only. */
  get isComplete(): boolean {
    return this.options.views.every(({ keys }) => keys.isComplete);
  }

  /** About what the states in memory take. */
  get resident_bytes(): number {
    return this.options.views.reduce((sum, { keys }) => sum + keys.resident_bytes, 0);
  }

  /** All timers up to a time are in memory. */
  hasTimersUntil(time_us: number): boolean {
    return this.isComplete || this.options.timers.covers(time_us);
  }

  /** A timer may fire: those before it are in memory. */
  isNext(timer: Timer): boolean {
    return this.isComplete || this.options.timers.isNear(timer);
  }

  /** The newest take of changes: see {@link stored}. */
  get taken(): number {
    return this.options.views[0]!.keys.taken;
  }

  /** What was taken up to that number is on disk. */
  stored(taken: number): void {
    this.options.notes.stored(taken);
    for (const { keys } of this.options.views) keys.stored(taken);
  }

  /** All keys stay on disk, which has notes of all their timers. @param counts of each view's keys. */
  openOnDisk(counts: readonly KeyCounts[]): void {
    const { views, timers, notes } = this.options;
    for (const [i, { keys }] of views.entries()) keys.leaveAll(counts[i]!);
    timers.beginInFront();
    notes.found(false);
  }

  /** All keys were loaded or left. @returns what is to be stored of those in memory, beside the timers of those that were left. */
  noteLoaded(): NoteChanges {
    const { views, notes } = this.options;
    notes.found(true);
    for (const { keys } of views) keys.noteAll();
    return notes.take(this.taken, [])!;
  }

  /**
   * An entry of a key that stays on disk.
   * @returns its timer, which is to be stored; null when it has none.
   * @throws MillraceError `state-unreadable`
   */
  leave(entry: StateChange): Timer | null {
    const { entity, views } = this.options;
    let timer: Timer | null = null;
    withEntry(entity, entry, ({ view, key, chunk }, value) => {
      const time_us = views[view]!.keys.leave({ view, key, chunk }, value);
      if (time_us !== Infinity) timer = { time_us, view, key };
    });
    return timer;
  }

  /** Keys that these frames concern whose states are on disk only: to be brought before the first of them. */
  missingKeys(frames: readonly EntityFrame[]): readonly KeyRef[] {
    if (this.isComplete) return [];
    const missing = this.options.views.map(() => new Set<string>());
    const look = ({ plan, keys }: ViewTask, key: string): void => {
      if (keys.isMissing(key)) missing[plan.index]!.add(key);
    };
    for (const frame of frames) {
      if (frame.kind !== 'rows') continue;
      for (const row of frame.rows) eachKeyOf(this.options.readers[frame.source.table]!, row, look);
    }
    return missing.flatMap((keys, view) => [...keys].map((key) => ({ view, key })));
  }

  /** The own entry of a missing key, beside what is in memory. @throws MillraceError `state-unreadable` */
  read({ view }: KeyRef, value: Uint8Array | null): StoredKey | null {
    const { entity, views } = this.options;
    return value === null ? null : readingState(entity, () => views[view]!.keys.read(value));
  }

  /** What there is of it beside its own entry: all of that is needed. */
  chunksOf({ view, key }: KeyRef, stored: StoredKey | null): readonly ChunkRef[] {
    const chunks: ChunkRef[] = [];
    stored?.state?.series.forEach((series, s) => {
      for (const chunk of series?.storedChunks ?? [])
        chunks.push({ stored, series: series!, chunk, key: chunkKey(view, key, s, chunk) });
    });
    return chunks;
  }

  /** @param value null when the disk has none. @throws MillraceError `state-unreadable` */
  readChunk({ stored, series, chunk }: ChunkRef, value: Uint8Array | null): void {
    readingState(this.options.entity, () => {
      if (value === null) throw new RangeError(`chunk ${chunk} of a key is gone`);
      series.readChunk(chunk, value);
      stored.bytes += value.length;
    });
  }

  /** A missing key comes into memory, whole; null when nothing of it is on disk. */
  bring({ view, key }: KeyRef, stored: StoredKey | null): void {
    this.options.views[view]!.bring(key, stored);
  }

  /** Stored timers that these frames may come to: to be brought before the first of them; null when none is missing. */
  missingTimers(frames: readonly EntityFrame[]): TimerPage | null {
    if (this.isComplete) return null;
    const { until_us, wanted } = this.reachOf(frames);
    return this.options.timers.missing(until_us, wanted, this.dueOf);
  }

  /**
   * What the store has of the page that {@link missingTimers} asked for.
   * @returns keys that are missing with them.
   */
  takeTimers(found: readonly Uint8Array[]): readonly KeyRef[] {
    const { views, timers, notes } = this.options;
    const taken = timers.take(found);
    if (timers.isPastFront) notes.frontRead();
    for (const { time_us, view, key } of taken) if (time_us === inFront_us) views[view]!.keys.foundInFront(key);
    return taken.filter(({ view, key }) => views[view]!.keys.isMissing(key));
  }

  /** What the newest take of changes changes of the stored timers; null while none are kept. */
  takeNotes(): NoteChanges | null {
    const { views, timers, notes } = this.options;
    const spent = timers.takePassed().filter(({ view, key, time_us }) => !views[view]!.keys.isNoted(key, time_us));
    return notes.take(this.taken, spent);
  }

  /** All timers are noted on disk: a key may leave memory. If not, they are with the next take. */
  askForNotes(): boolean {
    const { notes } = this.options;
    notes.ask();
    return notes.isWhole;
  }

  /** How far the clock mark goes with these frames at most, and how many timers they may come to, those that their own rows move included. */
  private reachOf(frames: readonly EntityFrame[]): { readonly until_us: number; readonly wanted: number } {
    const { readers, marks, timerLimit } = this.options;
    let until_us = marks().clock_us;
    let wanted = 0;
    for (const frame of frames) {
      for (const { clock_us } of marksOf(frame)) until_us = Math.max(until_us, clock_us);
      wanted += timerLimit(frame);
      // A row moves the timers of two keys of each reader at most.
      if (frame.kind === 'rows') wanted += 2 * frame.rows.length * readers[frame.source.table]!.length;
    }
    return { until_us, wanted };
  }

  /** Frames were applied: what was looked up for them is known no longer. */
  forgetLookups(): void {
    for (const { keys } of this.options.views) keys.forgetLookups();
  }

  /** Keys that may leave memory once their timers are stored, of about so many bytes in all. */
  cold(bytes: number): readonly ColdKey[] {
    const { views, timers } = this.options;
    const all_bytes = this.resident_bytes;
    return views.flatMap(({ plan, keys }) => {
      const mayLeave = (time_us: number, key: string): boolean => timers.mayLeave({ time_us, view: plan.index, key });
      return keys.cold((bytes * keys.resident_bytes) / all_bytes, mayLeave);
    });
  }

  /** What is to be stored before they go. */
  noteCold(cold: readonly ColdKey[]): NoteChanges {
    const removed: Buffer[] = [];
    const added: Buffer[] = [];
    for (const each of cold) {
      const { view, key, timer_us, noted_us } = each;
      this.options.views[view]!.keys.noteCold(each);
      if (noted_us === timer_us) continue;
      if (!Number.isNaN(noted_us)) removed.push(storedTimerKey(placeOf({ time_us: noted_us, view, key })));
      if (timer_us !== Infinity) added.push(storedTimerKey({ time_us: timer_us, view, key }));
    }
    return { removed, added };
  }

  /** It was not stored. */
  unnoteCold(cold: readonly ColdKey[]): void {
    for (const each of cold) this.options.views[each.view]!.keys.unnoteCold(each);
  }

  /** Lets go of those that were not used meanwhile; their timers are stored. */
  evict(cold: readonly ColdKey[]): void {
    const { views, timers } = this.options;
    for (const each of cold) {
      const { view, key, timer_us } = each;
      // Frames may have come to its timer meanwhile.
      views[view]!.keys.evict(each, timers.mayLeave({ time_us: timer_us, view, key }));
    }
    const inMemory = views.reduce((sum, { keys }) => sum + keys.sizeInMemory, 0);
    timers.shrink(inMemory, (entry) => views[entry.view]!.isArmed(entry));
  }

  /** Lets go of what is known of keys that hold nothing. */
  evictEmptied(): void {
    for (const { keys } of this.options.views) keys.evictEmptied();
  }

  private readonly dueOf = (entry: Timer): number => this.options.views[entry.view]!.dueOf(entry);
}

function marksOf(frame: EntityFrame): readonly Marks[] {
  switch (frame.kind) {
    case 'rows':
      return [frame.marks];
    case 'marks':
      return frame.sources.map(({ marks }) => marks);
    case 'tick':
      return [];
  }
}
