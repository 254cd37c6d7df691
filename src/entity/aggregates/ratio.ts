import type { Value } from '../../define/column.ts';
import type { ByteReader, ByteWriter } from '../../frames/bytes.ts';
import type { Aggregate, PaneChanges, RowOrder } from './aggregate.ts';

/** How many of a condition's values are true, of those that are not null. */
export class Ratio implements Aggregate {
  private values = 0;
  private hits = 0;

  get isEmpty(): boolean {
    return this.values === 0;
  }

  insert(value: Value, at: RowOrder, changes: PaneChanges | null): void {
    if (value === null) return;
    this.values++;
    if (value === true) this.hits++;
    changes?.insert(value, at);
  }

  retract(value: Value, at: RowOrder, changes: PaneChanges | null): boolean {
    if (value === null) return true;
    const found = value === true ? this.hits > 0 : this.values > this.hits;
    if (!found) return false;
    this.values--;
    if (value === true) this.hits--;
    changes?.retract(value, at);
    return true;
  }

  add(pane: Ratio): void {
    this.values += pane.values;
    this.hits += pane.hits;
  }

  subtract(pane: Ratio): void {
    this.values -= pane.values;
    this.hits -= pane.hits;
  }

  write(out: ByteWriter): void {
    out.varint(this.values);
    if (this.values > 0) out.varint(this.hits);
  }

  read(from: ByteReader): void {
    this.values = from.varint();
    if (this.values > 0) this.hits = from.varint();
  }

  ratio(): number | null {
    return this.values === 0 ? null : this.hits / this.values;
  }
}
