import type { Value } from '../../define/column.ts';
import type { ByteReader, ByteWriter } from '../../frames/bytes.ts';
import type { Aggregate, PaneChanges, RowOrder } from './aggregate.ts';
import { readNumbers, writeNumbers } from './multiset-codec.ts';
import { compareNumbers } from './scalars.ts';
import { SortedMultiset } from './sorted-multiset.ts';

/** The event times of rows. Of an append-only table, a pane keeps the newest; else one that holds as much as it may drops the oldest. */
export class Times implements Aggregate {
  /** Keep the newest only. */
  private readonly newestOnly: boolean;
  /** The most distinct times. */
  private readonly capacity: number;
  private readonly times = new SortedMultiset<number>(compareNumbers);

  constructor(newestOnly: boolean, capacity: number) {
    this.newestOnly = newestOnly;
    this.capacity = capacity;
  }

  get isEmpty(): boolean {
    return this.times.total === 0;
  }

  insert(value: Value, at: RowOrder, changes: PaneChanges | null): void {
    if (value === null) return;
    const { times } = this;
    const time_us = at.eventTime_us;
    if (this.newestOnly && times.total > 0) {
      if (time_us <= times.last!) return;
      this.dropOldest(changes);
    } else if (times.distinct >= this.capacity && times.count(time_us) === 0) {
      const dropped = time_us < times.first! ? 1 : this.dropOldest(changes);
      for (let rest = dropped; rest > 0; rest--) changes?.overflow();
      if (time_us < times.first!) return;
    }
    times.add(time_us);
    changes?.insert(value, at);
  }

  retract(value: Value, at: RowOrder, changes: PaneChanges | null): boolean {
    if (value === null) return true;
    if (this.times.remove(at.eventTime_us) === 0) return false;
    changes?.retract(value, at);
    return true;
  }

  add(pane: Times): void {
    this.times.addAll(pane.times);
  }

  subtract(pane: Times): void {
    this.times.removeAll(pane.times);
  }

  write(out: ByteWriter): void {
    writeNumbers(out, this.times);
  }

  read(from: ByteReader): void {
    readNumbers(from, this.times);
  }

  /** @param asOf_us T. */
  secondsSinceLast(asOf_us: number): number | null {
    const newest_us = this.times.last;
    return newest_us === undefined ? null : (asOf_us - newest_us) / 1e6;
  }

  /** @returns how many rows: all of the oldest time. */
  private dropOldest(changes: PaneChanges | null): number {
    const oldest = this.times.first!;
    const rows = this.times.count(oldest);
    this.times.remove(oldest, rows);
    for (let rest = rows; rest > 0; rest--) changes?.retract(true, { eventTime_us: oldest, primaryKey: [] });
    return rows;
  }
}
