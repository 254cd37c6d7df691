/** A clock that a test moves on; between two timers everything that waits for no other timer goes on. */
import { endOfTurn, type Clock } from '../../src/time/clock.ts';

interface Timer {
  time_ms: number;
  readonly interval_ms: number | null;
  readonly call: () => void;
}

export class SteppedClock implements Clock {
  private readonly start_ms: number;
  private elapsed_ms = 0;
  private timers: Timer[] = [];

  constructor(start_ms: number) {
    this.start_ms = start_ms;
  }

  now_ms(): number {
    return this.start_ms + this.elapsed_ms;
  }

  monotonic_ms(): number {
    return this.elapsed_ms;
  }

  after(delay_ms: number, call: () => void): () => void {
    return this.add({ time_ms: this.elapsed_ms + delay_ms, interval_ms: null, call });
  }

  every(interval_ms: number, call: () => void): () => void {
    return this.add({ time_ms: this.elapsed_ms + interval_ms, interval_ms, call });
  }

  /** Lets so much time pass, timer by timer. */
  async pass(time_ms: number): Promise<void> {
    const end_ms = this.elapsed_ms + time_ms;
    for (;;) {
      const [next] = this.timers.filter((timer) => timer.time_ms <= end_ms).sort((a, b) => a.time_ms - b.time_ms);
      if (next === undefined) break;
      this.elapsed_ms = next.time_ms;
      if (next.interval_ms === null) this.remove(next);
      else next.time_ms += next.interval_ms;
      next.call();
      await endOfTurn();
    }
    this.elapsed_ms = end_ms;
  }

  private add(timer: Timer): () => void {
    this.timers.push(timer);
    return () => {
      this.remove(timer);
    };
  }

  private remove(timer: Timer): void {
    this.timers = this.timers.filter((other) => other !== timer);
  }
}
