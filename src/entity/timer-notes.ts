/**
 * The timers that the disk has of keys with state, so that a task can be opened without reading its keys. Of each key there is one: its timer;
 * or, of a key in memory whose timer has moved since, a place in front of all timers, which says to bring it first. So a key whose timer moves
 * with each row is noted once. Notes that are overtaken may be left: what they say is looked up where they are found.
 */
import { inFront_us, storedTimerKey } from './stored-timer.ts';
import type { Timer } from './timers.ts';

/** As keys of the local store. What is removed comes first. */
export interface NoteChanges {
  readonly removed: readonly Buffer[];
  readonly added: readonly Buffer[];
}

/** Of a key that was brought before all in front was read: there is a note of it, perhaps there. */
export const unknown_us = Infinity;

type Phase =
  /** All keys are in memory: whoever opens the task reads them all. */
  | { readonly kind: 'off' }
  /** From the next take on, which notes all keys. */
  | { readonly kind: 'asked' }
  /** Takes note what changes; of all keys once that take is on disk. */
  | { readonly kind: 'taken'; readonly since: number }
  /** The disk has the note of every key. */
  | { readonly kind: 'whole' };

/** Where a note may stand that is to be removed. */
export const placeOf = (noted: Timer): Timer =>
  noted.time_us === unknown_us ? { ...noted, time_us: inFront_us } : noted;

export class TimerNotes {
  private phase: Phase = { kind: 'off' };
  /** What stands in front of all timers is read: the note of a key that comes from disk is its timer. */
  private isFrontRead = true;
  private removed: Timer[] = [];
  private added: Timer[] = [];

  /** Takes note what changes. */
  get isOn(): boolean {
    return this.phase.kind === 'taken' || this.phase.kind === 'whole';
  }

  /** The next take notes every key. */
  get isAsked(): boolean {
    return this.phase.kind === 'asked';
  }

  /** All keys are noted on disk: one may leave memory. */
  get isWhole(): boolean {
    return this.phase.kind === 'whole';
  }

  ask(): void {
    if (this.phase.kind === 'off') this.phase = { kind: 'asked' };
  }

  /** What was taken up to that number is on disk. */
  stored(taken: number): void {
    if (this.phase.kind === 'taken' && this.phase.since <= taken) this.phase = { kind: 'whole' };
  }

  /** The disk has them, or will have with what is taken next. @param isFrontRead whether it has none in front of all that was not read. */
  found(isFrontRead: boolean): void {
    this.phase = { kind: 'whole' };
    this.isFrontRead = isFrontRead;
  }

  frontRead(): void {
    this.isFrontRead = true;
  }

  /** What is noted of a key that comes from disk. */
  brought(timer_us: number, wasFoundInFront: boolean): number {
    if (wasFoundInFront || !this.isFrontRead) return unknown_us;
    return timer_us === Infinity ? NaN : timer_us;
  }

  /**
   * A key's state is taken.
   * @param noted_us what was noted of it; NaN for nothing.
   * @returns what is now.
   */
  note(noted_us: number, timer: Timer): number {
    if (noted_us === inFront_us || noted_us === timer.time_us) return noted_us;
    const isNew = Number.isNaN(noted_us);
    if (!isNew && noted_us !== unknown_us) this.removed.push({ ...timer, time_us: noted_us });
    if (timer.time_us === Infinity) return NaN;
    this.added.push(isNew ? timer : { ...timer, time_us: inFront_us });
    return isNew ? timer.time_us : inFront_us;
  }

  /** The key holds nothing any more. */
  forget(noted: Timer): void {
    if (!Number.isNaN(noted.time_us)) this.removed.push(placeOf(noted));
  }

  /**
   * What changed since the last call, with all else that a take changes; null while nothing is noted.
   * @param spent notes that were found and say nothing.
   */
  take(taken: number, spent: readonly Timer[]): NoteChanges | null {
    if (this.phase.kind === 'off') return null;
    if (this.phase.kind === 'asked') this.phase = { kind: 'taken', since: taken };
    const { removed, added } = this;
    this.removed = [];
    this.added = [];
    return { removed: [...removed, ...spent].map(storedTimerKey), added: added.map(storedTimerKey) };
  }
}
