import { parseDuration_us, type Duration } from './duration.ts';

/** No window with an end is shorter, nor a resolution or a hop. */
export const leastWindow_us = 1_000_000;
/** 400 days: no window with an end is longer. */
export const longestWindow_us = 400 * 86_400_000_000;

/** Side by side, aligned to 1970-01-01 UTC. */
export interface TumblingWindow {
  /** @internal */
  readonly kind: 'tumbling';
  /** Microseconds. */
  readonly size_us: number;
}

/** Of the windows that contain T the one that closes next. `size_us` is a multiple of `hop_us`. */
export interface HoppingWindow {
  /** @internal */
  readonly kind: 'hopping';
  /** Microseconds. */
  readonly size_us: number;
  /** Microseconds. */
  readonly hop_us: number;
}

/** The rows in (T − size, T], the oldest pane of `resolution_us` counted whole. */
export interface SlidingWindow {
  /** @internal */
  readonly kind: 'sliding';
  /** Microseconds. */
  readonly size_us: number;
  /** The length of a pane, microseconds. */
  readonly resolution_us: number;
}

/**
 * The run of rows, each less than the gap after the one before, that T is in: first ≤ T < last + gap. All rows of the input make the
 * runs, whatever a feature's `where` says: that decides which of the run's rows it counts.
 */
export interface SessionWindow {
  /** @internal */
  readonly kind: 'session';
  /** Microseconds. */
  readonly gap_us: number;
}

/** All rows up to T. */
export interface UnboundedWindow {
  /** @internal */
  readonly kind: 'unbounded';
}

/** Which rows of a key an aggregate sees at the key's time T. */
export type Window = TumblingWindow | HoppingWindow | SlidingWindow | SessionWindow | UnboundedWindow;

/**
 * Windows of one size, side by side, aligned to 1970-01-01 UTC. The value is that of the window that contains T, and empty
 * again when T passes its end.
 * @param size from 1 s to 400 days.
 * @throws RangeError when the size is not a duration.
 * @example count(tx).over(tumbling('5m'))
 */
export function tumbling(size: Duration): TumblingWindow {
  return Object.freeze({ kind: 'tumbling', size_us: parseDuration_us(size) });
}

/**
 * Windows of one size that begin every `hop`, aligned to 1970-01-01 UTC. The value is that of the window that contains T and closes
 * next: it holds between `size - hop` and `size` of the past.
 * @param size from 1 s to 400 days, a multiple of `hop`.
 * @throws RangeError when one of them is not a duration.
 * @example max(tx.amount).over(hopping('15m', '5m'))
 */
export function hopping(size: Duration, hop: Duration): HoppingWindow {
  return Object.freeze({ kind: 'hopping', size_us: parseDuration_us(size), hop_us: parseDuration_us(hop) });
}

/** What may be said of a sliding window. */
export interface SlidingOptions {
  /** The length of a pane: how exactly the window's beginning follows T. From 1 s to the size. Default a 300th of the size, at least 1 s. */
  readonly resolution?: Duration;
}

/**
 * The rows of the last `size` up to T: those in (T − size, T], and what else is in the oldest stretch of one resolution. What leaves the
 * window is subtracted ("subtract-on-evict": Hirzel, Schneider, Tangwongsan, "Sliding-window aggregation algorithms", DEBS 2017), so that
 * a row costs the same however long the window is.
 * @param size from 1 s to 400 days.
 * @throws RangeError when one of them is not a duration.
 * @example sum(tx.amount).over(sliding('1h', { resolution: '1m' }))
 */
export function sliding(size: Duration, options: SlidingOptions = {}): SlidingWindow {
  const size_us = parseDuration_us(size);
  const usual_us = Math.min(size_us, Math.max(leastWindow_us, Math.floor(size_us / 300)));
  const resolution_us = options.resolution === undefined ? usual_us : parseDuration_us(options.resolution);
  return Object.freeze({ kind: 'sliding', size_us, resolution_us });
}

/**
 * The run of rows, each less than `gap` after the one before, that T is in; empty when the newest row is `gap` ago.
 * @param gap from 1 s to 400 days.
 * @throws RangeError when it is not a duration.
 * @example count(clicks).over(session('30m'))
 */
export function session(gap: Duration): SessionWindow {
  return Object.freeze({ kind: 'session', gap_us: parseDuration_us(gap) });
}

/**
 * All rows up to T: for totals of a lifetime. A table without event time has no other window, and no T.
 * @example count(tx).over(unbounded())
 */
export function unbounded(): UnboundedWindow {
  return Object.freeze({ kind: 'unbounded' });
}
