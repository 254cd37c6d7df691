/**
 * The timers of an entity partition: those of keys in memory in a heap; those of keys on disk beside their states, from where they come in
 * the same order. All timers before a frontier are in the heap, and their keys in memory.
 */
import { inFront_us, parseStoredTimer, storedTimerKey } from './stored-timer.ts';
import { isBefore, Timers, type Timer } from './timers.ts';

/** Stored timers of one look. */
const page = 512;

/** Stored timers to be read, in the order of their keys. */
export interface TimerPage {
  readonly from: Uint8Array;
  /** Not contained. */
  readonly to: Uint8Array;
  readonly limit: number;
}

/** What the heap may grow to beyond twice what it needs. */
const spare = 1024;

export class TimerQueue {
  readonly heap = new Timers();
  private frontier: Timer = { time_us: Number.MIN_SAFE_INTEGER, view: 0, key: '' };
  /** How far the disk is being asked for timers. */
  private asked = this.frontier;
  /** Stored timers that were found. */
  private passed: Timer[] = [];

  /** The disk has timers that stand in front of all. */
  beginInFront(): void {
    this.frontier = { time_us: inFront_us, view: 0, key: '' };
    this.asked = this.frontier;
  }

  /** All that the disk has in front of all timers was found. */
  get isPastFront(): boolean {
    return this.frontier.time_us !== inFront_us;
  }

  /** Whether all timers up to a time are in the heap. */
  covers(time_us: number): boolean {
    return this.frontier.time_us > time_us;
  }

  /** Whether a timer is in front of the frontier. */
  isNear(timer: Timer): boolean {
    return isBefore(timer, this.frontier);
  }

  /** Whether the key of a timer may leave memory: the frontier is not past it, nor will be by an answer that it is not in. */
  mayLeave(timer: Timer): boolean {
    return !this.isNear(timer) && !isBefore(timer, this.asked);
  }

  /**
   * What is to be read so that `wanted` timers up to a time, or all of them, are in the heap; null when they are. Until {@link take} no key
   * with a timer up to that time may leave.
   * @param dueOf when the timer is due that an entry of the heap stands for.
   */
  missing(time_us: number, wanted: number, dueOf: (entry: Timer) => number): TimerPage | null {
    if (this.covers(time_us)) return null;
    // A key that left memory and came back has its timer twice.
    const counted = new Set<string>();
    const isThere = (entry: Timer): boolean => {
      const due_us = dueOf(entry);
      if (due_us > time_us || !this.isNear({ ...entry, time_us: due_us })) return false;
      const { size } = counted;
      return counted.add(`${entry.view} ${entry.key}`).size > size;
    };
    if (this.heap.countUntil(time_us, wanted, isThere) >= wanted) return null;
    this.asked = endOf(time_us);
    return { from: storedTimerKey(this.frontier), to: storedTimerKey(this.asked), limit: page };
  }

  /**
   * What was read of the page that {@link missing} asked for.
   * @returns the timers: their keys are to be in memory before the next frame.
   */
  take(keys: readonly Uint8Array[]): readonly Timer[] {
    const timers = keys.map(parseStoredTimer);
    this.passed.push(...timers);
    const last = timers.at(-1);
    this.frontier = last !== undefined && keys.length >= page ? { ...last, view: last.view + 1 } : this.asked;
    this.asked = this.frontier;
    return timers;
  }

  /** Stored timers that were found since the last call. */
  takePassed(): readonly Timer[] {
    return this.passed.splice(0);
  }

  /** Keys have left memory: the heap lets go of their timers, now and then. */
  shrink(keys: number, isArmed: (entry: Timer) => boolean): void {
    if (this.heap.size > 2 * keys + spare) this.heap.keep(isArmed);
  }
}

/** Behind all timers of a time. */
const endOf = (time_us: number): Timer => ({ time_us: Math.floor(time_us) + 1, view: 0, key: '' });
