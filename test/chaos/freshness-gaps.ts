/** For how long committed rows were not online while something happened: per key the longest time. */
import type { Journey } from './row-journeys.ts';

/** A row that waits for longer says that its partition stood still; a busy machine alone makes some hundreds of milliseconds. */
const still_ms = 1000;

export interface FreshnessGaps {
  readonly keys: number;
  readonly p50_ms: number;
  readonly p99_ms: number;
  readonly max_ms: number;
  /** From the beginning until the last row that had waited for more than a second was online; 0 when none had. */
  readonly recovered_ms: number;
}

/** Of the rows that came online between two instants: what is still on its way then waits for what comes next. */
export function gapsOf(journeys: readonly Journey[], from_ms: number, until_ms: number): FreshnessGaps {
  const longest = new Map<number, number>();
  let recovered_ms = 0;
  for (const { user, committed_ms, visible_ms } of journeys) {
    if (visible_ms < from_ms || visible_ms >= until_ms) continue;
    const gap_ms = visible_ms - committed_ms;
    longest.set(user, Math.max(longest.get(user) ?? 0, gap_ms));
    if (gap_ms > still_ms) recovered_ms = Math.max(recovered_ms, visible_ms - from_ms);
  }
  const sorted = [...longest.values()].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
  return { keys: sorted.length, p50_ms: at(0.5), p99_ms: at(0.99), max_ms: at(1), recovered_ms };
}
