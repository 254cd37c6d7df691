/**
 * The most distinct entries that a pane's multiset holds. Beyond it one is left out, the one of least use where that can be told: the
 * oldest where entries are in the order of time, else the new one. {@link PaneChanges.overflow} counts each, and its retraction finds
 * nothing to take back.
 */
export const paneLimit = 10_000;
