/**
 * The states of a view's keys. All changes happen in memory; a state that is on disk as it is may be left there and is brought back before
 * the next frame that needs it. What a key computes does not depend on where it was meanwhile (I1).
 */
import type { EntityPlan, ViewPlan } from '../define/plan.ts';
import { ByteReader, ByteWriter } from '../frames/bytes.ts';
import { emptyState, KeyStateCodec, neverPublished, timerOf, type KeyState, type Published } from './key-state.ts';
import { chunkKey, stateKey, type StateKey } from './state-key.ts';
import { leastWeight_bytes, perChunkByte, weightOf } from './state-weight.ts';
import type { KeyCounts } from './task-record.ts';
import { unknown_us, type TimerNotes } from './timer-notes.ts';
import type { SeriesLayout } from './windows/view-layout.ts';

/** A key that may leave memory. */
export interface ColdKey {
  readonly view: number;
  readonly key: string;
  readonly timer_us: number;
  /** What the disk had of it before: as in {@link KeyState}. */
  readonly noted_us: number;
}

/** A key as it is on disk, beside whatever is in memory. */
export interface StoredKey {
  /** Null when it holds nothing. */
  readonly state: KeyState | null;
  readonly published: Published;
  /** Of its entries that were read. */
  bytes: number;
}

export class KeyTable {
  private readonly view: number;
  private readonly layouts: readonly SeriesLayout[];
  private readonly codec: KeyStateCodec;
  /** A row alone gives nothing out, so what was published of a key that holds nothing is what stays online. */
  private readonly keepsEmptied: boolean;
  private readonly notes: TimerNotes;
  private readonly states = new Map<string, KeyState>();
  /** Keys whose state is not as it was written last. */
  private readonly changed = new Set<string>();
  /** What was published of keys that hold nothing any more: of those that changed; of all in memory where {@link keepsEmptied}. */
  private readonly emptied = new Map<string, Published>();
  /** Keys that hold nothing, while their last state may still be on disk: by the take that removes it. */
  private readonly departed = new Map<string, number>();
  /** Keys of which the disk was asked and holds nothing. */
  private readonly absent = new Set<string>();
  /** Chunks that are written and are to be forgotten. */
  private readonly forgotten: Buffer[] = [];
  /** Missing keys of which a note was found in front of all timers. */
  private readonly inFront = new Set<string>();
  /** Keys that are on disk only: with state, and where {@link keepsEmptied} without. */
  private away = 0;
  private awayEmptied = 0;
  private everAway = false;
  private takes = 0;
  private written = 0;
  private states_bytes = 0;
  /** Of the chunks that were written last. */
  private chunk_bytes = 256;
  private sweep: Iterator<[string, KeyState]> | null = null;

  constructor(entity: EntityPlan, plan: ViewPlan, layouts: readonly SeriesLayout[], notes: TimerNotes) {
    this.view = plan.index;
    this.layouts = layouts;
    this.codec = new KeyStateCodec(entity, plan, layouts);
    this.keepsEmptied = plan.emit.kind === 'closed';
    this.notes = notes;
  }

  /** Keys that hold state, wherever it is. */
  get size(): number {
    return this.states.size + this.away;
  }

  /** As of the last {@link takeChanges}. */
  get counts(): KeyCounts {
    return { held: this.size, emptied: this.keepsEmptied ? this.emptied.size + this.awayEmptied : 0 };
  }

  get sizeInMemory(): number {
    return this.states.size;
  }

  /** About what the states in memory take. */
  get resident_bytes(): number {
    return this.states_bytes + this.emptied.size * leastWeight_bytes;
  }

  /** Nothing is on disk only. */
  get isComplete(): boolean {
    return this.away === 0 && this.awayEmptied === 0;
  }

  /** Nothing ever was: whoever has gone through all keys in memory has seen each. */
  get wasAlwaysComplete(): boolean {
    return !this.everAway;
  }

  get(key: string): KeyState | undefined {
    return this.states.get(key);
  }

  /** The state of a key, to be changed. */
  open(key: string): KeyState {
    const state = this.states.get(key);
    if (state !== undefined) return state;
    this.refuseMissing(key);
    const created = emptyState(this.layouts, this.emptied.get(key) ?? neverPublished);
    this.emptied.delete(key);
    this.put(key, created, 0);
    return created;
  }

  publishedOf(key: string): Published {
    return this.states.get(key)?.published ?? this.emptied.get(key) ?? neverPublished;
  }

  /** It is no longer as it was written. */
  touch(key: string): void {
    this.changed.add(key);
    const state = this.states.get(key);
    // The use that brought it says nothing of a second one: most keys that come back are of a single row.
    if (state !== undefined && state.cameIn !== this.takes) state.isUsed = true;
  }

  /** The key holds nothing any more. */
  empty(key: string, published: Published): void {
    const state = this.states.get(key);
    if (state !== undefined) {
      this.states_bytes -= state.size_bytes;
      this.states.delete(key);
      this.notes.forget({ time_us: state.noted_us, view: this.view, key });
    }
    this.emptied.set(key, published);
  }

  forgetSeries(key: string, state: KeyState, s: number): void {
    for (const chunk of state.series[s]!.storedChunks) this.forgotten.push(chunkKey(this.view, key, s, chunk));
    state.series[s] = null;
  }

  /** Keys in memory of which something was given out. */
  *publishedKeys(): Iterable<string> {
    for (const [key, { published }] of this.states) if (published.position >= 0) yield key;
    for (const [key, { position }] of this.emptied) if (position >= 0) yield key;
  }

  isInMemory(key: string): boolean {
    return this.states.has(key) || this.emptied.has(key);
  }

  get changedSize(): number {
    return this.changed.size;
  }

  /** The entries of every key whose state changed since the last call; null where nothing is to be known of it. */
  takeChanges(take: (key: Buffer, value: Buffer | null) => void): void {
    const out = new ByteWriter();
    this.takes++;
    for (const key of this.forgotten.splice(0)) take(key, null);
    for (const key of this.changed) {
      const state = this.states.get(key);
      if (state === undefined) this.takeEmptied(key, out, take);
      else this.takeState(key, state, out, take);
    }
    if (this.notes.isAsked) this.noteAll();
    else if (this.notes.isOn) for (const key of this.changed) this.note(key, this.states.get(key));
    this.changed.clear();
    if (!this.keepsEmptied) this.emptied.clear();
  }

  /** Of every key in memory. */
  noteAll(): void {
    for (const [key, state] of this.states) this.note(key, state);
  }

  private note(key: string, state: KeyState | undefined): void {
    if (state === undefined) return;
    const { timer_us, noted_us } = state;
    if (noted_us !== timer_us) state.noted_us = this.notes.note(noted_us, { time_us: timer_us, view: this.view, key });
  }

  /** A note that was found is what is known of its key. */
  isNoted(key: string, time_us: number): boolean {
    const noted_us = this.states.get(key)?.noted_us;
    return noted_us === time_us || noted_us === unknown_us;
  }

  /** A note was found in front of all timers. Of a key in memory more is known: the note may have been read before it was removed. */
  foundInFront(key: string): void {
    if (this.isMissing(key)) this.inFront.add(key);
  }

  private takeEmptied(key: string, out: ByteWriter, take: (key: Buffer, value: Buffer | null) => void): void {
    const emptied = this.emptied.get(key) ?? neverPublished;
    if (emptied.position >= 0) this.codec.writeEmptied(out, emptied);
    else this.emptied.delete(key);
    take(stateKey(this.view, key), out.size_bytes === 0 ? null : out.take());
    this.departed.set(key, this.takes);
  }

  private takeState(
    key: string,
    state: KeyState,
    out: ByteWriter,
    take: (key: Buffer, value: Buffer | null) => void,
  ): void {
    this.codec.write(out, state);
    const own = out.take();
    take(stateKey(this.view, key), own);
    let chunks = 0;
    state.series.forEach((series, s) => {
      series?.takeChunks(out, (chunk, value) => {
        if (value !== null) this.chunk_bytes += (value.length - this.chunk_bytes) / 16;
        take(chunkKey(this.view, key, s, chunk), value);
      });
      chunks += series?.storedChunks.size ?? 0;
    });
    state.takenIn = this.takes;
    this.weigh(state, weightOf(own.length, chunks * this.chunk_bytes));
  }

  /** The number of the newest take. */
  get taken(): number {
    return this.takes;
  }

  /** What was taken up to that number is on disk. */
  stored(takes: number): void {
    this.written = Math.max(this.written, takes);
    for (const [key, taken] of this.departed) if (taken <= this.written) this.departed.delete(key);
  }

  /**
   * What {@link takeChanges} gave: a key's own entry before its chunks.
   * @returns the state that came into memory with it, if any.
   * @throws RangeError when it is no such bytes.
   */
  load({ key, chunk }: StateKey, value: Uint8Array): KeyState | null {
    if (chunk !== null) {
      const series = this.states.get(key)?.series[chunk.series];
      if (!series) throw new RangeError(`there is a chunk of ${key}, but nothing of the key itself`);
      series.readChunk(chunk.chunk, value);
      const state = this.states.get(key)!;
      this.weigh(state, state.size_bytes + value.length * perChunkByte);
      return null;
    }
    const { state, published } = this.read(value);
    if (state !== null) this.put(key, state, value.length);
    else if (this.keepsEmptied) this.emptied.set(key, published);
    return state;
  }

  /**
   * The same for a key that stays on disk; its chunks do too.
   * @returns when its timer is due; ∞ when it has none.
   */
  leave({ chunk }: StateKey, value: Uint8Array): number {
    if (chunk !== null) return Infinity;
    const timer_us = timerOf(value);
    if (timer_us !== null) this.away++;
    else if (this.keepsEmptied) this.awayEmptied++;
    this.everAway ||= !this.isComplete;
    return timer_us ?? Infinity;
  }

  /** All keys are on disk only. */
  leaveAll({ held, emptied }: KeyCounts): void {
    this.away = held;
    this.awayEmptied = emptied;
    this.everAway = true;
  }

  /** A key that has to be brought from disk before a frame that concerns it. */
  isMissing(key: string): boolean {
    return !this.isComplete && !this.isInMemory(key) && !this.departed.has(key) && !this.absent.has(key);
  }

  /**
   * What the disk has for a missing key, its chunks included: half of it must never be seen in memory.
   * @returns the state that came into memory.
   */
  bring(key: string, stored: StoredKey | null): KeyState | null {
    const isInFront = this.inFront.delete(key);
    // Two timers of it were stored, one of them overtaken.
    if (!this.isMissing(key)) return null;
    const state = stored?.state ?? null;
    if (stored === null || (state === null && !this.keepsEmptied)) {
      this.absent.add(key);
      return null;
    }
    if (state === null) {
      this.awayEmptied--;
      this.emptied.set(key, stored.published);
      return null;
    }
    this.away--;
    this.put(key, state, stored.bytes);
    state.noted_us = this.notes.brought(state.timer_us, isInFront);
    return state;
  }

  /** Frames were applied: what was looked up for them is not known any longer. */
  forgetLookups(): void {
    this.absent.clear();
  }

  /**
   * Keys that were not used since this came by them last, of about so many bytes. ("Second chance", also known as the clock algorithm:
   * Corbató, "A paging experiment with the Multics system", 1968.) Uses up to the commit after a key came count as one.
   * @param mayLeave says no where a timer is too near.
   */
  cold(bytes: number, mayLeave: (timer_us: number, key: string) => boolean): ColdKey[] {
    const cold: ColdKey[] = [];
    let left_bytes = bytes;
    for (let steps = 2 * this.states.size; steps > 0 && left_bytes > 0; steps--) {
      this.sweep ??= this.states.entries();
      const next = this.sweep.next();
      if (next.done === true) {
        this.sweep = null;
        continue;
      }
      const [key, state] = next.value;
      const { timer_us, noted_us } = state;
      if (state.isUsed) state.isUsed = false;
      else if (this.isClean(key, state) && mayLeave(timer_us, key)) {
        cold.push({ view: this.view, key, timer_us, noted_us });
        left_bytes -= state.size_bytes;
      }
    }
    return cold;
  }

  /** A cold key's timer is on its way to disk: what is taken from now on comes behind it. */
  noteCold({ key, timer_us }: ColdKey): void {
    this.states.get(key)!.noted_us = timer_us === Infinity ? NaN : timer_us;
  }

  /** It was refused. */
  unnoteCold({ key, timer_us, noted_us }: ColdKey): void {
    const state = this.states.get(key);
    if (state !== undefined && Object.is(state.noted_us, timer_us === Infinity ? NaN : timer_us))
      state.noted_us = noted_us;
  }

  /** A cold key whose timer is on disk by now. @param mayLeave and it goes, if it was not used meanwhile. */
  evict({ key, timer_us }: ColdKey, mayLeave: boolean): void {
    const state = this.states.get(key);
    if (state === undefined) return;
    if (!mayLeave || state.isUsed || state.timer_us !== timer_us || !this.isClean(key, state)) return;
    this.states_bytes -= state.size_bytes;
    this.states.delete(key);
    this.away++;
    this.everAway = true;
  }

  /** Lets go what was published of keys that hold nothing. */
  evictEmptied(): void {
    if (!this.keepsEmptied) return;
    for (const key of this.emptied.keys()) {
      if (this.changed.has(key) || this.departed.has(key)) continue;
      this.emptied.delete(key);
      this.awayEmptied++;
      this.everAway = true;
    }
  }

  private isClean(key: string, state: KeyState): boolean {
    return state.takenIn <= this.written && !this.changed.has(key);
  }

  private put(key: string, state: KeyState, bytes: number): void {
    this.states.set(key, state);
    this.weigh(state, weightOf(bytes, 0));
    state.cameIn = this.takes;
  }

  private weigh(state: KeyState, size_bytes: number): void {
    this.states_bytes += size_bytes - state.size_bytes;
    state.size_bytes = size_bytes;
  }

  /** Whoever applies frames brings their keys first: a state that began anew here would be wrong for ever. */
  private refuseMissing(key: string): void {
    if (this.isMissing(key)) throw new Error(`the state of a key of view ${this.view} is on disk and was not brought`);
  }

  /** A key's own entry. @throws RangeError when it is no such bytes. */
  read(value: Uint8Array): StoredKey {
    return { ...this.codec.read(new ByteReader(value)), bytes: value.length };
  }
}
