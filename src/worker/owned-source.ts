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
  committed = -1;
  lastRecord_ms: number;
  private readonly outcomes: Readonly<Record<RecordOutcome, Count>>;
  private readonly unrouted: Counting;

  constructor(at: TopicPartition, source: SourcePartition, next: number, now_ms: number, metrics: Metrics) {
    this.at = at;
    this.source = source;
    this.next = next;
    this.lastRecord_ms = now_ms;
    const { topic } = at;
    const count = (outcome: RecordOutcome): Count => ({
      pending: 0,
      counter: metrics.counter('millrace_source_records_total', { topic, outcome }),
    });
    this.outcomes = {
      row: count('row'),
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

  /** Brings what was counted to the metrics: once a batch, not once a record. */
  exportCounts(): void {
    for (const count of Object.values(this.outcomes)) {
      if (count.pending > 0) count.counter.add(count.pending);
      count.pending = 0;
    }
    if (this.source.unrouted > 0) this.unrouted.add(this.source.unrouted);
    this.source.unrouted = 0;
  }
}
