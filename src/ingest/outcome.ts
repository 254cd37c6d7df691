/** What became of a record of a source topic that the ingest took. */
export type Outcome =
  | 'row'
  /** A row of the first snapshot, which waits until the snapshot is over; then it becomes `row` or `superseded`. */
  | 'staged'
  | 'tombstone'
  | 'replayed'
  | 'snapshot-ignored'
  /** What a newer snapshot does not confirm: a row of an older pass, or a delete of a row that it did not read any more. */
  | 'superseded';
