import type { ColumnType, Scalar, Value } from '../../define/column.ts';
import { compareValues } from '../../define/compare.ts';
import type { ByteReader, ByteWriter } from '../../frames/bytes.ts';
import type { Aggregate, PaneChanges, RowOrder } from './aggregate.ts';
import { readMultiset, writeMultiset } from './multiset-codec.ts';
import {
  compareByRow,
  compareByValue,
  compareOrder,
  readRowOrder,
  RowValue,
  rowValue,
  writeRowOrder,
} from './row-value.ts';
import { readScalar, writeScalar } from './scalar-codec.ts';
import { SortedMultiset } from './sorted-multiset.ts';

/**
 * Distinct values in the order of their newest rows. All rows are kept, by value, so that a value falls back to its next newest row when
 * that is taken back; and from the first time that it is asked for on, the newest row of each value, by time. A pane of an append-only
 * table keeps the newest row of each value only. A pane that holds as much as it may drops the oldest row.
 */
export class Recent implements Aggregate {
  private readonly type: ColumnType;
  /** Keep only the newest row of each value. */
  private readonly newestOnly: boolean;
  /** The most rows. */
  private readonly capacity: number;
  private readonly rows = new SortedMultiset<RowValue>(compareByValue);
  /** The newest row of each value. Null while nobody asks: as in the panes of windows that have several. */
  private newest: SortedMultiset<RowValue> | null = null;
  /** All rows. Null until the first is dropped. */
  private byAge: SortedMultiset<RowValue> | null = null;

  constructor(type: ColumnType, newestOnly: boolean, capacity: number) {
    this.type = type;
    this.newestOnly = newestOnly;
    this.capacity = capacity;
  }

  get isEmpty(): boolean {
    return this.rows.total === 0;
  }

  insert(value: Value, at: RowOrder, changes: PaneChanges | null): void {
    if (value === null) return;
    const row = rowValue(value as Scalar, at);
    if (this.newestOnly) {
      const before = this.newestOf(row.value);
      if (before !== undefined) {
        if (compareOrder(row, before) <= 0) return;
        this.removeRow(before);
        changes?.retract(before.value, before);
      }
    }
    if (this.rows.total >= this.capacity && !this.makeRoom(row, changes)) return;
    this.addRow(row, 1);
    changes?.insert(row.value, row);
  }

  retract(value: Value, at: RowOrder, changes: PaneChanges | null): boolean {
    if (value === null) return true;
    const row = rowValue(value as Scalar, at);
    if (!this.removeRow(row)) return false;
    changes?.retract(row.value, row);
    return true;
  }

  add(pane: Recent): void {
    if (this.newest === null) this.rows.addAll(pane.rows);
    else pane.rows.forEach((row, count) => this.addRow(row, count));
  }

  subtract(pane: Recent): void {
    if (this.newest === null) this.rows.removeAll(pane.rows);
    else
      pane.rows.forEach((row, count) => {
        for (let rest = count; rest > 0; rest--) this.removeRow(row);
      });
  }

  /** A value once, then its rows. */
  write(out: ByteWriter): void {
    let before: RowValue | null = null;
    writeMultiset(out, this.rows, (row) => {
      const isNext = before !== null && compareValues(before.value, row.value) === 0;
      out.u8(isNext ? 1 : 0);
      if (!isNext) writeScalar(out, row.value, this.type);
      writeRowOrder(out, row, before?.eventTime_us ?? 0);
      before = row;
    });
  }

  read(from: ByteReader): void {
    let value: Scalar = 0;
    let before_us = 0;
    readMultiset(from, this.rows, () => {
      if (from.u8() === 0) value = readScalar(from, this.type);
      const { eventTime_us, primaryKey } = readRowOrder(from, before_us);
      before_us = eventTime_us;
      return new RowValue(value, eventTime_us, primaryKey);
    });
  }

  /** Newest first. */
  newestValues(limit: number): Scalar[] {
    this.newest ??= this.findNewest();
    return this.newest.lastItems(limit).map((row) => row.value);
  }

  private addRow(row: RowValue, count: number): void {
    if (this.newest !== null) {
      const before = this.newestOf(row.value);
      if (before === undefined) this.newest.add(row);
      else if (compareOrder(row, before) > 0) {
        this.newest.remove(before);
        this.newest.add(row);
      }
    }
    this.rows.add(row, count);
    this.byAge?.add(row, count);
  }

  /** @returns false when it is not there. */
  private removeRow(row: RowValue): boolean {
    if (this.rows.remove(row) === 0) return false;
    this.byAge?.remove(row);
    // Only the newest row of its value is among the newest.
    if (this.newest !== null && this.newest.remove(row) > 0) {
      const next = this.newestOf(row.value);
      if (next !== undefined) this.newest.add(next);
    }
    return true;
  }

  private newestOf(value: Scalar): RowValue | undefined {
    const row = this.rows.floor(new RowValue(value, Infinity, []));
    return row !== undefined && compareValues(row.value, value) === 0 ? row : undefined;
  }

  /** Drops the oldest row of a full pane. @returns false when the new one is older. */
  private makeRoom(row: RowValue, changes: PaneChanges | null): boolean {
    changes?.overflow();
    if (this.byAge === null) {
      const byAge = new SortedMultiset(compareByRow);
      this.rows.forEach((kept, count) => byAge.add(kept, count));
      this.byAge = byAge;
    }
    const oldest = this.byAge.first!;
    if (compareByRow(row, oldest) <= 0) return false;
    this.removeRow(oldest);
    changes?.retract(oldest.value, oldest);
    return true;
  }

  private findNewest(): SortedMultiset<RowValue> {
    const last: RowValue[] = [];
    this.rows.forEach((row) => {
      const isNext = last.length > 0 && compareValues(last.at(-1)!.value, row.value) === 0;
      last[isNext ? last.length - 1 : last.length] = row;
    });
    const newest = new SortedMultiset(compareByRow);
    for (const row of last) newest.add(row);
    return newest;
  }
}
