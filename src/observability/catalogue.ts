/**
 * Every metric that Millrace exports. `docs/metrics.md` is generated from here. Base units; labels are bounded by the definition and the
 * topology, never by keys.
 */
export interface MetricEntry {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly labels: readonly string[];
  readonly help: string;
  readonly buckets?: readonly number[];
}

const latencyBuckets_s = [
  0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300,
] as const;

export const catalogue = {
  millrace_source_records_total: {
    type: 'counter',
    labels: ['topic', 'outcome'],
    help:
      'Records of source topics by what became of them: row, tombstone, replayed, snapshot-ignored, skipped, dead_lettered; staged, rows of the ' +
      'first snapshot, counted again as row when the snapshot is over, or as superseded when the newest pass of the snapshot does not have them; ' +
      'superseded also for a delete of such a row.',
  },
  millrace_dead_letters_total: {
    type: 'counter',
    labels: ['topic', 'reason'],
    help: 'Records that could not be used, by the error code. With the policy dead-letter they are kept in the dead-letter topic.',
  },
  millrace_rows_without_key_total: {
    type: 'counter',
    labels: ['topic'],
    help: 'Row images that belong to no entity because a key column is null.',
  },
  millrace_frames_total: { type: 'counter', labels: ['entity'], help: 'Rows frames appended to the entity log.' },
  millrace_frame_rows_total: { type: 'counter', labels: ['entity'], help: 'Row changes in those frames.' },
  millrace_lag_records: {
    type: 'gauge',
    labels: ['kind', 'topic', 'partition'],
    help: 'Records of a partition that its task (ingest, entity, offline) has not taken yet; looked at every 5 s.',
  },
  millrace_lag_seconds: {
    type: 'gauge',
    labels: ['kind', 'topic', 'partition'],
    help: 'Age of the newest record that the task has taken, while there are further ones; before its first, the age of the assignment. 0 without lag.',
  },
  millrace_stuck_tasks: {
    type: 'gauge',
    labels: ['kind'],
    help: 'Tasks that have lag, wait for nothing that is known, and have not moved for 30 s. The worker is not live then.',
  },
  millrace_heartbeat_age_seconds: {
    type: 'gauge',
    labels: ['topic'],
    help: 'Age of the newest heartbeat of a connector, once there was one.',
  },
  millrace_snapshot_staged_rows: {
    type: 'gauge',
    labels: ['topic', 'partition'],
    help: 'Rows of the first snapshot that wait for its end: the first streamed row of the partition, or a heartbeat of the connector.',
  },
  millrace_snapshot_held_bytes: {
    type: 'gauge',
    labels: [],
    help: 'Memory of the rows that wait, or that are kept for a minute after their snapshot; MILLRACE_SNAPSHOT_BYTES is the limit.',
  },
  millrace_rows_applied_total: { type: 'counter', labels: ['entity'], help: 'Row changes that entity tasks applied.' },
  millrace_rows_duplicate_total: {
    type: 'counter',
    labels: ['entity'],
    help: 'Row changes that entity tasks had seen before and dropped.',
  },
  millrace_row_fates_total: {
    type: 'counter',
    labels: ['entity', 'change', 'fate'],
    help:
      'What became of insertions and retractions in views: applied; held, ahead of its T; passed, its window is over but not closed; ' +
      'late, refused; unmatched, nothing was there to retract.',
  },
  millrace_timers_fired_total: {
    type: 'counter',
    labels: ['entity'],
    help: 'Keys whose values changed, or were let go, because time passed.',
  },
  millrace_aggregate_overflows_total: {
    type: 'counter',
    labels: ['entity'],
    help: 'Values that an aggregate of a pane left out, because it holds as many as it may; they cannot be taken back.',
  },
  millrace_state_keys: { type: 'gauge', labels: ['entity', 'partition'], help: 'Keys that hold state.' },
  millrace_watermark_age_seconds: {
    type: 'gauge',
    labels: ['entity', 'partition'],
    help: 'How far the data mark, the watermark of the rows themselves, is behind the wall clock. Grows while nothing is written to a table.',
  },
  millrace_clock_mark_age_seconds: {
    type: 'gauge',
    labels: ['entity', 'partition'],
    help: 'How far the clock mark is behind the wall clock; grows when a source partition holds time back.',
  },
  millrace_online_writes_total: {
    type: 'counter',
    labels: ['result'],
    help: 'Values given to the online store: applied, refused (a newer one is stored), coalesced (a newer one went instead), retried, republished (after a loss).',
  },
  millrace_online_write_seconds: {
    type: 'histogram',
    labels: [],
    help: 'Time of one call of the online store.',
    buckets: latencyBuckets_s,
  },
  millrace_online_failures_total: {
    type: 'counter',
    labels: [],
    help: 'Calls of the online store that failed, or whose outcome is unknown, and are made again.',
  },
  millrace_online_pending_values: { type: 'gauge', labels: [], help: 'Values that wait for the online store.' },
  millrace_online_pending_bytes: {
    type: 'gauge',
    labels: [],
    help: 'Their memory, about. Beyond 64 MiB consumption pauses until half of it is written.',
  },
  millrace_freshness_seconds: {
    type: 'histogram',
    labels: ['view'],
    help: 'From the database commit of a row to the moment its value is readable online.',
    buckets: latencyBuckets_s,
  },
  millrace_stage_seconds: {
    type: 'histogram',
    labels: ['stage'],
    help: 'Parts of the freshness: source (commit to ingest), engine (ingest to readable online).',
    buckets: latencyBuckets_s,
  },
  millrace_online_losses_total: {
    type: 'counter',
    labels: [],
    help: 'How often a task found that the online store had lost acknowledged values.',
  },
  millrace_online_repairs_total: {
    type: 'counter',
    labels: [],
    help: 'How often all values of a task were written again after a loss.',
  },
  millrace_feature_log_rows_total: { type: 'counter', labels: ['entity'], help: 'Values appended to the feature log.' },
  millrace_commit_seconds: {
    type: 'histogram',
    labels: [],
    help: 'Time of one commit of entity tasks.',
    buckets: latencyBuckets_s,
  },
  millrace_commits_total: {
    type: 'counter',
    labels: ['kind', 'result'],
    help:
      'Commits of a worker: committed, or failed. A failed one sends entity tasks back to what is committed; for the other kinds the ' +
      'next commit covers it.',
  },
  millrace_changelog_records_total: { type: 'counter', labels: [], help: 'Changes of state written to changelogs.' },
  millrace_restores_total: {
    type: 'counter',
    labels: ['from'],
    help: 'Entity tasks opened: from disk or snapshot and the rest of the changelog, from the whole changelog, or from nothing.',
  },
  millrace_restored_records_total: { type: 'counter', labels: [], help: 'Changelog records read for that.' },
  millrace_restored_bytes_total: { type: 'counter', labels: [], help: 'Keys and values of these records.' },
  millrace_restore_records_left: {
    type: 'gauge',
    labels: ['entity', 'partition'],
    help: 'Of a task that restores: what is still to be read, at most; what compaction took out of the changelog counts too. 0 once it runs.',
  },
  millrace_restore_seconds: {
    type: 'histogram',
    labels: [],
    help: 'Time until the tasks of one assignment are restored.',
    buckets: latencyBuckets_s,
  },
  millrace_uncommitted_changes: {
    type: 'gauge',
    labels: [],
    help: 'Changed keys and values that no commit holds yet; beyond a bound frames wait for a commit.',
  },
  millrace_warm_up_seconds: {
    type: 'histogram',
    labels: [],
    help: 'How long a start waited for copies of the states that other workers serve.',
    buckets: latencyBuckets_s,
  },
  millrace_standby_records_left: {
    type: 'gauge',
    labels: [],
    help: 'Changelog records that the standby copies lacked when they were last brought up, at most, over all tasks of other workers.',
  },
  millrace_state_write_seconds: {
    type: 'histogram',
    labels: [],
    help: 'Time of one write to the local state store.',
    buckets: latencyBuckets_s,
  },
  millrace_state_cache_bytes: {
    type: 'gauge',
    labels: [],
    help: 'About what the states of keys take in memory. Held under a bound: beyond it, those that were not used for a while are on disk only.',
  },
  millrace_state_evicted_bytes_total: {
    type: 'counter',
    labels: [],
    help: 'About what left memory since it was not used for a while.',
  },
  millrace_state_loads_total: {
    type: 'counter',
    labels: ['result'],
    help: 'Keys that were looked up on disk before a frame. result: found, or absent (a new key).',
  },
  millrace_state_load_seconds: {
    type: 'histogram',
    labels: [],
    help: 'Until the keys of some frames were in memory, when some were not.',
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1],
  },
  millrace_state_disk_bytes: {
    type: 'gauge',
    labels: [],
    help: 'What the state directory takes; looked at every 30 s.',
  },
  millrace_state_volume_bytes: { type: 'gauge', labels: [], help: 'Size of the file system that holds it.' },
  millrace_state_volume_free_bytes: { type: 'gauge', labels: [], help: 'What is free on that file system.' },
  millrace_state_wiped_total: {
    type: 'counter',
    labels: [],
    help: 'States on disk that were not used: unreadable, too old, of another definition, or ahead of the changelog.',
  },
  millrace_state_snapshots_total: {
    type: 'counter',
    labels: ['result'],
    help: 'Snapshots of state for the object store: written, or failed, which is tried again an interval later.',
  },
  millrace_state_snapshot_bytes_total: { type: 'counter', labels: [], help: 'Size of those that were written.' },
  millrace_state_snapshot_seconds: {
    type: 'histogram',
    labels: [],
    help: 'Time of writing one, which is slowed down on purpose.',
    buckets: latencyBuckets_s,
  },
  millrace_state_snapshots_passed_over_total: {
    type: 'counter',
    labels: ['reason'],
    help:
      'Snapshots of state that a restore did not use: corrupt; lost, a part is not there; old, removals behind it may be gone; foreign, of ' +
      'another definition; ahead of the changelog; unreachable, the object store did not answer.',
  },
  millrace_offline_files_total: { type: 'counter', labels: ['view'], help: 'Parquet files put.' },
  millrace_offline_rows_total: { type: 'counter', labels: ['view'], help: 'Values in them.' },
  millrace_offline_bytes_total: { type: 'counter', labels: ['view'], help: 'Their size.' },
  millrace_offline_put_seconds: { type: 'histogram', labels: [], help: 'Time of one put.', buckets: latencyBuckets_s },
  millrace_offline_put_failures_total: {
    type: 'counter',
    labels: ['view'],
    help: 'Puts that failed and are tried again.',
  },
  millrace_offline_held_bytes: {
    type: 'gauge',
    labels: [],
    help: 'Feature-log records that wait to be put; reading pauses at 128 MiB.',
  },
  millrace_partitions: {
    type: 'gauge',
    labels: ['kind'],
    help: 'Partitions that there are for tasks of a kind, over the whole fleet: how many workers can share them.',
  },
  millrace_rebalances_total: {
    type: 'counter',
    labels: ['kind', 'event'],
    help: 'Partitions of a group changed hands: assigned, revoked, or lost, when the group had gone on without this worker.',
  },
  millrace_tasks_owned: {
    type: 'gauge',
    labels: ['kind'],
    help: 'Partitions that this worker owns: ingest, entity, offline.',
  },
  millrace_tasks_restoring: { type: 'gauge', labels: [], help: 'Entity partitions that still rebuild their state.' },
  millrace_event_loop_delay_seconds: {
    type: 'gauge',
    labels: ['quantile'],
    help: 'How late timers of the process were, over the last 10 s: 0.5, 0.99, and 1 for the worst.',
  },
  millrace_event_loop_utilization_ratio: {
    type: 'gauge',
    labels: [],
    help: 'Share of the last 10 s in which the event loop was busy. Near 1 the worker has no processor time left.',
  },
  millrace_memory_limit_bytes: {
    type: 'gauge',
    labels: [],
    help: 'What the process may take: the limit of its container, or else the memory of the machine. To be held against process_resident_memory_bytes.',
  },
  millrace_heap_limit_bytes: {
    type: 'gauge',
    labels: [],
    help: 'Largest JavaScript heap. To be held against nodejs_heap_size_used_bytes.',
  },
  millrace_build_info: { type: 'gauge', labels: ['version'], help: 'Always 1.' },
} as const satisfies Readonly<Record<string, MetricEntry>>;

export type MetricName = keyof typeof catalogue;
export type NamesOf<T extends MetricEntry['type']> = {
  [Name in MetricName]: (typeof catalogue)[Name]['type'] extends T ? Name : never;
}[MetricName];
/** A value for each label of a metric. */
export type LabelsOf<Name extends MetricName> = Readonly<Record<(typeof catalogue)[Name]['labels'][number], string>>;
