/** Why a row was not counted: it came late, or what it was to take back was not there. */
export type DropReason = 'late' | 'unmatched';
