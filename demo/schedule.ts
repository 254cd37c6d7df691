/** How long the load runs when nobody is there to end it. */
import { windowSize_us } from './oracle.ts';

const usual_ms = 20_000;
/** From the end of the load until all has been compared; time of an idle stream lags 5 s behind the clock besides. */
const check_ms = 8_000;
/** So long after a window's edge there is enough in the new window to compare. */
const refill_ms = 12_000;

/**
 * At a window's edge all counts fall to 0. If that is about to happen during the check or shortly before, the load goes on until
 * the new window has filled; at most 40 s.
 */
export function loadTime_ms(now_ms: number): number {
  const size_ms = windowSize_us / 1000;
  const toEdge_ms = size_ms - (now_ms % size_ms);
  return toEdge_ms < usual_ms + check_ms ? Math.max(usual_ms, toEdge_ms + refill_ms) : usual_ms;
}
