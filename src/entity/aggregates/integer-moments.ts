import type { Value } from '../../define/column.ts';
import type { ByteReader, ByteWriter } from '../../frames/bytes.ts';
import type { Aggregate, PaneChanges, RowOrder } from './aggregate.ts';
import { readBigint, writeBigint } from './scalar-codec.ts';
import { spreadOf, type Spread } from './variance.ts';

/** How many integers or decimals, their exact sum and that of their squares. */
export class IntegerMoments implements Aggregate {
  private values = 0;
  private sum = 0n;
  private squares = 0n;

  get isEmpty(): boolean {
    return this.values === 0;
  }

  insert(value: Value, at: RowOrder, changes: PaneChanges | null): void {
    if (value === null) return;
    const summand = typeof value === 'bigint' ? value : BigInt(value as number);
    this.values++;
    this.sum += summand;
    this.squares += summand * summand;
    changes?.insert(value, at);
  }

  retract(value: Value, at: RowOrder, changes: PaneChanges | null): boolean {
    if (value === null) return true;
    if (this.values === 0) return false;
    const summand = typeof value === 'bigint' ? value : BigInt(value as number);
    this.values--;
    this.sum -= summand;
    this.squares -= summand * summand;
    changes?.retract(value, at);
    return true;
  }

  add(pane: IntegerMoments): void {
    this.values += pane.values;
    this.sum += pane.sum;
    this.squares += pane.squares;
  }

  subtract(pane: IntegerMoments): void {
    this.values -= pane.values;
    this.sum -= pane.sum;
    this.squares -= pane.squares;
  }

  write(out: ByteWriter): void {
    out.varint(this.values);
    if (this.values === 0) return;
    writeBigint(out, this.sum);
    writeBigint(out, this.squares);
  }

  read(from: ByteReader): void {
    this.values = from.varint();
    if (this.values === 0) return;
    this.sum = readBigint(from);
    this.squares = readBigint(from);
  }

  /** @param scale digits behind the point. */
  spread(spread: Spread, scale: number): number | null {
    const { values, sum, squares } = this;
    return spreadOf({ values, sum, squares, exponent: 0 }, spread, scale);
  }
}
