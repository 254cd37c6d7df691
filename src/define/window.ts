import { parseDuration_us, type Duration } from './duration.ts';

/** Which rows of a key an aggregate sees at the key's time T. */
export interface TumblingWindow {
  readonly kind: 'tumbling';
  readonly size_us: number;
}

export type Window = TumblingWindow;

/**
 * Windows of one size, side by side, aligned to 1970-01-01 UTC. The value is that of the window that contains T, and empty
 * again when T passes its end.
 * @throws RangeError when the size is not a duration.
 * @example count(tx).over(tumbling('5m'))
 */
export function tumbling(size: Duration): TumblingWindow {
  return Object.freeze({ kind: 'tumbling', size_us: parseDuration_us(size) });
}
