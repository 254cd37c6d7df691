/**
 * The wall clock in fractions of a millisecond, to be held against stamps of other processes. `performance.timeOrigin` is read once at
 * start and drifts from the wall clock in a long run, so the clock is set anew by the ticks of `Date.now()`.
 */
const ticks = 5;

export class WallClock {
  private offset_ms = 0;

  constructor() {
    this.set();
  }

  now_ms(): number {
    return this.offset_ms + performance.now();
  }

  /** Blocks for a few milliseconds: not while something is measured. */
  set(): void {
    let offset_ms = -Infinity;
    for (let i = 0; i < ticks; i++) {
      const before_ms = Date.now();
      let tick_ms = before_ms;
      while (tick_ms === before_ms) tick_ms = Date.now();
      // A tick is only ever seen late: the greatest offset is the nearest.
      offset_ms = Math.max(offset_ms, tick_ms - performance.now());
    }
    this.offset_ms = offset_ms;
  }
}

export const sleep = (length_ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, length_ms));
