/** The only source of time and timers. Virtual in tests and simulation. */
export interface Clock {
  /** Wall clock, milliseconds since 1970. */
  now_ms(): number;
  /** Never goes back; for measuring durations, milliseconds. */
  monotonic_ms(): number;
  /** Calls once after the delay. The result cancels it. */
  after(delay_ms: number, call: () => void): () => void;
  /** Calls again and again. The result ends it. */
  every(interval_ms: number, call: () => void): () => void;
}

export const systemClock: Clock = {
  now_ms: () => Date.now(),
  monotonic_ms: () => performance.now(),
  after(delay_ms, call) {
    const timer = setTimeout(call, delay_ms);
    return () => {
      clearTimeout(timer);
    };
  },
  every(interval_ms, call) {
    const timer = setInterval(call, interval_ms);
    return () => {
      clearInterval(timer);
    };
  },
};

/**
 * The wall clock in microseconds: within the millisecond that it says, as far as the other clock has come meanwhile. Goes back only
 * if the wall clock does. For spans that take less than a millisecond.
 */
export function fineClock(clock: Clock): () => number {
  let offset_ms = -Infinity;
  return () => {
    const [wall_ms, monotonic_ms] = [clock.now_ms(), clock.monotonic_ms()];
    const within_ms = Math.min(Math.max(offset_ms + monotonic_ms - wall_ms, 0), 0.999);
    offset_ms = wall_ms + within_ms - monotonic_ms;
    return Math.round((wall_ms + within_ms) * 1000);
  };
}

/** Resolves after the delay. */
export function sleep(clock: Clock, delay_ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(delay_ms, resolve);
  });
}

/** Waits for the work, but not longer than the limit; `late` is called then, and the work goes on unobserved. */
export async function atMost(
  clock: Clock,
  limit_ms: number,
  work: Promise<unknown>,
  late: () => void = () => undefined,
): Promise<void> {
  let cancel: () => void = () => undefined;
  const limit = new Promise<void>((resolve) => {
    cancel = clock.after(limit_ms, () => {
      late();
      resolve();
    });
  });
  try {
    await Promise.race([work, limit]);
  } finally {
    cancel();
  }
}

/** Calls after the delay if the process still lives then; does not keep it alive. */
export function lastResort(delay_ms: number, act: () => void): void {
  setTimeout(act, delay_ms).unref();
}

/** Resolves when the promises that can go on without I/O or a timer have done so: a macrotask, behind all microtasks. */
export function endOfTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
