/** Drops what Debezium repeats after a crash, by the sequence of the database's log. protocol: replays. */
import type { RowChange } from '../cdc/row-change.ts';
import { SourceStoppedError } from '../errors.ts';
import { hash64 } from '../util/hash.ts';
import { compareSequence, type HighWater } from './high-water.ts';

export class ReplayFilter {
  private sequence: readonly [bigint, bigint];
  private commit_us: number;
  private seen: Set<string>;

  constructor(restored: Pick<HighWater, 'sequence' | 'commit_us' | 'seen'>) {
    this.sequence = restored.sequence;
    this.commit_us = restored.commit_us;
    this.seen = new Set(restored.seen);
  }

  /** A streamed row was accepted at some time. */
  get hasStreamed(): boolean {
    return this.commit_us !== -Infinity;
  }

  get state(): Pick<HighWater, 'sequence' | 'commit_us' | 'seen'> {
    return { sequence: this.sequence, commit_us: this.commit_us, seen: this.seen };
  }

  /**
   * Whether a streamed row was seen before; a new one raises the high-water mark.
   * @throws SourceStoppedError when the database's log went back.
   */
  isReplay(row: RowChange, primaryKey: string): boolean {
    const order = this.hasStreamed ? compareSequence(row, this.sequence) : 1;
    if (order < 0) {
      if (row.commit_us > this.commit_us) throw wentBack(row, this.sequence);
      return true;
    }
    // Equal pairs are legitimate: one COPY or multi-row INSERT gives many rows one LSN.
    const identity = hash64(`${row.operation}${primaryKey}`);
    if (order === 0 && this.seen.has(identity)) return true;
    if (order > 0) {
      this.sequence = row.sequence;
      this.seen = new Set();
    }
    this.seen.add(identity);
    this.commit_us = Math.max(this.commit_us, row.commit_us);
    return false;
  }
}

function wentBack(row: RowChange, sequence: readonly [bigint, bigint]): SourceStoppedError {
  return new SourceStoppedError(
    'source-stopped',
    `the log sequence went back from [${sequence.join(', ')}] to [${row.sequence.join(', ')}] in a transaction that is newer: ` +
      'the database was restored or the slot was made anew. Raise the generation of the entity to rebuild from a new snapshot',
  );
}
