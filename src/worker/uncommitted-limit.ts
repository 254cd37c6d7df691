/** Of changed keys and values that no commit holds yet; beyond it no frame is applied before one does. */
const share_bytes = 2048;
const least = 10_000;
const most = 100_000;

/**
 * A commit has to come to its end well within a transaction's time, and what it takes has to fit beside the rest.
 * @param states_bytes for states in memory: what has changed cannot leave it.
 */
export const uncommittedLimit = (states_bytes: number): number =>
  Math.min(most, Math.max(least, Math.floor(states_bytes / share_bytes)));
