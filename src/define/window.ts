import { parseDuration_us, type Duration } from './duration.ts';

/** Side by side, aligned to 1970-01-01 UTC. */
export interface TumblingWindow {
  readonly kind: 'tumbling';
  readonly size_us: number;
}

/** Of the windows that contain T the one that closes next. `size_us` is a multiple of `hop_us`. */
export interface HoppingWindow {
  readonly kind: 'hopping';
  readonly size_us: number;
  readonly hop_us: number;
}

/** The rows in (T − size, T], the oldest pane of `resolution_us` counted whole. */
export interface SlidingWindow {
  readonly kind: 'sliding';
  readonly size_us: number;
  readonly resolution_us: number;
}

/**
 * The run of rows, each less than the gap after the one before, that T is in: first ≤ T < last + gap. All rows of the input make the
 * runs, whatever a feature's `where` says: that decides which of the run's rows it counts.
 */
export interface SessionWindow {
  readonly kind: 'session';
  readonly gap_us: number;
}

/** All rows up to T. */
export interface UnboundedWindow {
  readonly kind: 'unbounded';
}

/** Which rows of a key an aggregate sees at the key's time T. */
export type Window = TumblingWindow | HoppingWindow | SlidingWindow | SessionWindow | UnboundedWindow;

/**
 * Windows of one size, side by side, aligned to 1970-01-01 UTC. The value is that of the window that contains T, and empty
 * again when T passes its end.
 * @throws RangeError when the size is not a duration.
 * @example count(tx).over(tumbling('5m'))
 */
export function tumbling(size: Duration): TumblingWindow {
  return Object.freeze({ kind: 'tumbling', size_us: parseDuration_us(size) });
}
