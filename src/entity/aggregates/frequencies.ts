import type { ColumnType, Scalar, Value } from '../../define/column.ts';
import { compareValues } from '../../define/compare.ts';
import type { ByteReader, ByteWriter } from '../../frames/bytes.ts';
import type { Aggregate, PaneChanges, RowOrder } from './aggregate.ts';
import { readScalars, writeScalars } from './multiset-codec.ts';
import { withoutNegativeZero } from './scalars.ts';
import { SortedMultiset } from './sorted-multiset.ts';

class Ranked {
  readonly value: Scalar;
  readonly count: number;

  constructor(value: Scalar, count: number) {
    this.value = value;
    this.count = count;
  }
}

/** Most frequent first, equally frequent ones in the order of values. */
function compareRanked(a: Ranked, b: Ranked): number {
  return a.count !== b.count ? b.count - a.count : compareValues(a.value, b.value);
}

/**
 * How often each value is there, and from the first time that it is asked for on, the values in the order of that: exact, as a
 * heavy-hitter sketch cannot take rows back. A pane that holds as much as it may refuses new values.
 */
export class Frequencies implements Aggregate {
  private readonly type: ColumnType;
  /** The most distinct values. */
  private readonly capacity: number;
  private readonly values = new SortedMultiset<Scalar>(compareValues);
  /** Null while nobody asks: as in the panes of windows that have several. */
  private ranking: SortedMultiset<Ranked> | null = null;

  constructor(type: ColumnType, capacity: number) {
    this.type = type;
    this.capacity = capacity;
  }

  get isEmpty(): boolean {
    return this.values.total === 0;
  }

  insert(value: Value, at: RowOrder, changes: PaneChanges | null): void {
    if (value === null) return;
    const scalar = withoutNegativeZero(value as Scalar);
    if (this.values.distinct >= this.capacity && this.values.count(scalar) === 0) {
      changes?.overflow();
      return;
    }
    const before = this.values.add(scalar);
    if (this.ranking !== null) rerank(this.ranking, scalar, before, before + 1);
    changes?.insert(scalar, at);
  }

  retract(value: Value, at: RowOrder, changes: PaneChanges | null): boolean {
    if (value === null) return true;
    const scalar = withoutNegativeZero(value as Scalar);
    const before = this.values.remove(scalar);
    if (before === 0) return false;
    if (this.ranking !== null) rerank(this.ranking, scalar, before, before - 1);
    changes?.retract(scalar, at);
    return true;
  }

  add(pane: Frequencies): void {
    if (this.ranking === null) this.values.addAll(pane.values);
    else
      pane.values.forEach((value, count) => {
        const before = this.values.add(value, count);
        rerank(this.ranking!, value, before, before + count);
      });
  }

  subtract(pane: Frequencies): void {
    if (this.ranking === null) this.values.removeAll(pane.values);
    else
      pane.values.forEach((value, count) => {
        const before = this.values.remove(value, count);
        rerank(this.ranking!, value, before, before - count);
      });
  }

  write(out: ByteWriter): void {
    writeScalars(out, this.values, this.type);
  }

  read(from: ByteReader): void {
    readScalars(from, this.values, this.type);
  }

  /** Most frequent first, equally frequent ones in the order of values. */
  mostFrequent(limit: number): Scalar[] {
    if (this.ranking === null) {
      const ranking = new SortedMultiset(compareRanked);
      this.values.forEach((value, count) => ranking.add(new Ranked(value, count)));
      this.ranking = ranking;
    }
    return this.ranking.firstItems(limit).map((ranked) => ranked.value);
  }
}

function rerank(ranking: SortedMultiset<Ranked>, value: Scalar, before: number, after: number): void {
  if (before > 0) ranking.remove(new Ranked(value, before));
  if (after > 0) ranking.add(new Ranked(value, after));
}
