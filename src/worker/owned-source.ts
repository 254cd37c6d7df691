/** A source partition that this worker owns: its ingest, how far it is, and what became of its records. */
import type { Outcome } from '../ingest/outcome.ts';
import type { SourcePartition } from '../ingest/source-partition.ts';
import type { TopicPartition } from '../log/log.ts';
import type { Counting, Metrics } from '../observability/metrics.ts';

/** What became of a record: taken by the ingest, or refused and treated by the table's policy. */
export type RecordOutcome = Outcome | 'skipped' | 'dead_lettered';

interface Count {
  pending: number;
  readonly counter: Counting;
}

export class OwnedSource {
  readonly at: TopicPartition;
  readonly source: SourcePartition;
  /** The next source offset to be handled. */
  next: number;
  /** What was committed last: offset and metadata. */
  committed = '';
  lastRecord_ms: number;
  /** Timestamp of the newest record that was taken; before the first, when the partition was assigned. */
  reached_ms: number;
  /** It belongs to somebody else, or to a later life. */
  isReleased = false;
  private readonly metrics: Metrics;
  private readonly outcomes: Readonly<Record<RecordOutcome, Count>>;
  private readonly unrouted: Counting;
  private exportedStaged = 0;

  constructor(at: TopicPartition, source: SourcePartition, next: number, now_ms: number, metrics: Metrics) {
    this.at = at;
    this.source = source;
    this.next = next;
    this.lastRecord_ms = now_ms;
    this.reached_ms = now_ms;
    this.metrics = metrics;
    const { topic } = at;
    const count = (outcome: RecordOutcome): Count => ({
      pending: 0,
      counter: metrics.counter('millrace_source_records_total', { topic, outcome }),
    });
    this.outcomes = {
      row: count('row'),
      staged: count('staged'),
      superseded: count('superseded'),
      tombstone: count('tombstone'),
      replayed: count('replayed'),
      'snapshot-ignored': count('snapshot-ignored'),
      skipped: count('skipped'),
      dead_lettered: count('dead_lettered'),
    };
    this.unrouted = metrics.counter('millrace_rows_without_key_total', { topic });
  }

  count(outcome: RecordOutcome): void {
    this.outcomes[outcome].pending++;
  }

  close(): void {
    this.isReleased = true;
    this.source.close();
    this.metrics.remove('millrace_snapshot_staged_rows', this.labels());
  }

  /** Brings what was counted to the metrics: once a batch, not once a record. */
  exportCounts(): void {
    const { late, staged } = this.source;
    this.outcomes.row.pending += late.row;
    this.outcomes.superseded.pending += late.superseded;
    late.row = late.superseded = 0;
    if (staged !== this.exportedStaged) this.metrics.gauge('millrace_snapshot_staged_rows', this.labels()).set(staged);
    this.exportedStaged = staged;
    for (const count of Object.values(this.outcomes)) {
      if (count.pending > 0) count.counter.add(count.pending);
      count.pending = 0;
    }
    if (this.source.unrouted > 0) this.unrouted.add(this.source.unrouted);
    this.source.unrouted = 0;
  }

  private labels(): { topic: string; partition: string } {
    return { topic: this.at.topic, partition: String(this.at.partition) };
  }
}
