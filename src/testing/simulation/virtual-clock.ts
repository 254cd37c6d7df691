/**
 * The simulator's scheduler: a clock whose time passes only from timer to timer. Everything that waits, waits on a timer, so the
 * order in which timers are called is the order of the run; the seed chooses it where the time leaves it open.
 */
import { endOfTurn, type Clock } from '../../time/clock.ts';
import type { Random } from './random.ts';

export interface VirtualClockOptions {
  readonly start_ms: number;
  readonly random: Random;
  /** Each timer comes late by a random part of this, as on a busy machine. Default 0: only ties are random. */
  readonly jitter_ms?: number;
  /** How many times as fast as its timers the clock on the wall goes. Default 1. */
  readonly acceleration?: number;
}

export interface RunLimits {
  /** Timer calls. Default 1,000,000. */
  readonly steps?: number;
  /** Virtual time, counted from the call of `run`. Default one hour. */
  readonly time_ms?: number;
}

/** A run came to no end. `reason` says how. */
export class RunError extends Error {
  override readonly name = 'RunError';
  readonly reason: 'standstill' | 'step-limit' | 'time-limit';

  constructor(reason: RunError['reason'], message: string) {
    super(message);
    this.reason = reason;
  }
}

interface Timer {
  readonly time_ms: number;
  /** Decides between timers of one time. */
  readonly tie: number;
  /** Decides between equal ties. */
  readonly number: number;
  call: (() => unknown) | null;
}

export class VirtualClock implements Clock {
  /** Timers that were called. */
  steps = 0;
  readonly acceleration: number;
  private readonly start_ms: number;
  private readonly random: Random;
  private readonly jitter_ms: number;
  private readonly heap: Timer[] = [];
  private elapsed_ms = 0;
  private created = 0;
  private failure: { readonly error: unknown } | null = null;

  constructor(options: VirtualClockOptions) {
    this.start_ms = Math.floor(options.start_ms);
    this.random = options.random;
    this.jitter_ms = options.jitter_ms ?? 0;
    this.acceleration = options.acceleration ?? 1;
  }

  now_ms(): number {
    return Math.floor(this.start_ms + this.elapsed_ms * this.acceleration);
  }

  monotonic_ms(): number {
    return this.elapsed_ms;
  }

  /** Timers that wait, those that were cancelled left out. */
  get waiting(): number {
    return this.heap.filter(({ call }) => call !== null).length;
  }

  after(delay_ms: number, call: () => void): () => void {
    const timer = this.push(delay_ms, call);
    return () => {
      timer.call = null;
    };
  }

  every(interval_ms: number, call: () => void): () => void {
    // At least a little: an interval of nothing would let no time pass.
    const step_ms = Math.max(interval_ms, 0.001);
    let due_ms = this.elapsed_ms + step_ms;
    let timer: Timer;
    const job: () => unknown = call;
    const tick = (): unknown => {
      // From the time when it was due: a jitter does not add up.
      due_ms = Math.max(due_ms + step_ms, this.elapsed_ms);
      timer = this.push(due_ms - this.elapsed_ms, tick);
      return job();
    };
    timer = this.push(step_ms, tick);
    return () => {
      timer.call = null;
    };
  }

  /**
   * Calls timers, each after all that the one before it had started has come to rest, until the condition holds.
   * @throws RunError when no timer is left (`standstill`), or a limit is reached.
   * @throws whatever a timer's call throws.
   */
  async run(until: () => boolean, limits: RunLimits = {}): Promise<void> {
    const lastStep = this.steps + (limits.steps ?? 1_000_000);
    const end_ms = this.elapsed_ms + (limits.time_ms ?? 3_600_000);
    await this.rest();
    while (!until()) {
      const timer = this.next();
      if (timer === null) throw this.stuck('standstill', 'no timer is left');
      if (this.steps >= lastStep) throw this.stuck('step-limit', `the limit of ${limits.steps ?? 1_000_000} steps`);
      if (timer.time_ms > end_ms) throw this.stuck('time-limit', `the limit of ${end_ms / 1000} s of virtual time`);
      this.removeTop();
      this.elapsed_ms = timer.time_ms;
      this.steps++;
      this.call(timer);
      await this.rest();
    }
  }

  /** Lets virtual time pass. */
  async runFor(duration_ms: number, limits: RunLimits = {}): Promise<void> {
    let over = false;
    const cancel = this.after(duration_ms, () => (over = true));
    try {
      await this.run(() => over, { time_ms: duration_ms + this.jitter_ms + 1, ...limits });
    } finally {
      cancel();
    }
  }

  /** Runs until the work has settled. @returns its result. @throws its error. */
  async settle<T>(work: Promise<T>, limits: RunLimits = {}): Promise<T> {
    let settled = false;
    const settle = (): void => {
      settled = true;
    };
    work.then(settle, settle);
    await this.run(() => settled, limits);
    return work;
  }

  private call(timer: Timer): void {
    const result = timer.call!();
    timer.call = null;
    if (!(result instanceof Promise)) return;
    result.catch((error: unknown) => {
      this.failure ??= { error };
    });
  }

  private async rest(): Promise<void> {
    await endOfTurn();
    if (this.failure === null) return;
    const { error } = this.failure;
    this.failure = null;
    throw error;
  }

  private stuck(reason: RunError['reason'], what: string): RunError {
    const where = `after ${this.steps} steps and ${this.elapsed_ms / 1000} s of virtual time`;
    return new RunError(reason, `the run ends without its condition (${where}): ${what}; seed ${this.random.seed}`);
  }

  private push(delay_ms: number, call: () => unknown): Timer {
    const late_ms = this.jitter_ms === 0 ? 0 : this.random.next() * this.jitter_ms;
    const time_ms = this.elapsed_ms + Math.max(0, delay_ms) + late_ms;
    const timer: Timer = { time_ms, tie: this.random.next(), number: this.created++, call };
    const { heap } = this;
    let at = heap.length;
    heap.push(timer);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(timer, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = timer;
    return timer;
  }

  /** The next timer that was not cancelled; it stays on the heap, so that a run may go on behind a limit. */
  private next(): Timer | null {
    for (;;) {
      const top = this.heap[0];
      if (top === undefined) return null;
      if (top.call !== null) return top;
      this.removeTop();
    }
  }

  private removeTop(): void {
    const { heap } = this;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }
}

function isBefore(a: Timer, b: Timer): boolean {
  if (a.time_ms !== b.time_ms) return a.time_ms < b.time_ms;
  return a.tie === b.tie ? a.number < b.number : a.tie < b.tie;
}
