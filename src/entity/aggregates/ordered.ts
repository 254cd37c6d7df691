import type { ColumnType, Scalar, Value } from '../../define/column.ts';
import type { ByteReader, ByteWriter } from '../../frames/bytes.ts';
import type { Aggregate, PaneChanges, RowOrder } from './aggregate.ts';
import { readMultiset, writeMultiset } from './multiset-codec.ts';
import { compareByRow, readRowValue, rowValue, type RowValue, writeRowValue } from './row-value.ts';
import { SortedMultiset } from './sorted-multiset.ts';

/** Which end of the order is enough, and how many rows of it. */
interface KeepRows {
  readonly end: 'first' | 'last';
  readonly limit: number;
}

/** Values in the order of their rows: by event time, then primary key. A pane that holds as much as it may drops the oldest. */
export class Ordered implements Aggregate {
  private readonly type: ColumnType;
  /** Null keeps all. */
  private readonly keep: KeepRows | null;
  /** The most rows. */
  private readonly capacity: number;
  private readonly rows = new SortedMultiset<RowValue>(compareByRow);

  constructor(type: ColumnType, keep: KeepRows | null, capacity: number) {
    this.type = type;
    this.keep = keep;
    this.capacity = capacity;
  }

  get isEmpty(): boolean {
    return this.rows.total === 0;
  }

  insert(value: Value, at: RowOrder, changes: PaneChanges | null): void {
    if (value === null) return;
    const row = rowValue(value as Scalar, at);
    if (this.keep !== null && this.rows.total >= this.keep.limit) {
      if (!this.makeRoom(row, this.keep.end === 'first', changes)) return;
    } else if (this.rows.total >= this.capacity) {
      changes?.overflow();
      if (!this.makeRoom(row, false, changes)) return;
    }
    this.rows.add(row);
    changes?.insert(row.value, row);
  }

  retract(value: Value, at: RowOrder, changes: PaneChanges | null): boolean {
    if (value === null) return true;
    const row = rowValue(value as Scalar, at);
    if (this.rows.remove(row) === 0) return false;
    changes?.retract(row.value, row);
    return true;
  }

  add(pane: Ordered): void {
    this.rows.addAll(pane.rows);
  }

  subtract(pane: Ordered): void {
    this.rows.removeAll(pane.rows);
  }

  write(out: ByteWriter): void {
    let before_us = 0;
    writeMultiset(out, this.rows, (row) => {
      writeRowValue(out, row, this.type, before_us);
      before_us = row.eventTime_us;
    });
  }

  read(from: ByteReader): void {
    let before_us = 0;
    readMultiset(from, this.rows, () => {
      const row = readRowValue(from, this.type, before_us);
      before_us = row.eventTime_us;
      return row;
    });
  }

  first(): Scalar | null {
    return this.rows.first?.value ?? null;
  }

  last(): Scalar | null {
    return this.rows.last?.value ?? null;
  }

  /** Oldest first. */
  firstValues(limit: number): Scalar[] {
    return this.rows.firstItems(limit).map((row) => row.value);
  }

  /** Newest first. */
  lastValues(limit: number): Scalar[] {
    return this.rows.lastItems(limit).map((row) => row.value);
  }

  /** Drops the newest or the oldest row. @returns false when the new one would be it. */
  private makeRoom(row: RowValue, dropNewest: boolean, changes: PaneChanges | null): boolean {
    const worst = (dropNewest ? this.rows.last : this.rows.first)!;
    const order = compareByRow(row, worst);
    if (dropNewest ? order >= 0 : order <= 0) return false;
    if (dropNewest) this.rows.removeLast();
    else this.rows.removeFirst();
    changes?.retract(worst.value, worst);
    return true;
  }
}
