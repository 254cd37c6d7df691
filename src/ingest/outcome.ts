/** What became of a record of a source topic that the ingest took. */
export type Outcome = 'row' | 'tombstone' | 'replayed' | 'snapshot-ignored';
