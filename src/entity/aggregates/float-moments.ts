import type { Value } from '../../define/column.ts';
import type { ByteReader, ByteWriter } from '../../frames/bytes.ts';
import type { Aggregate, PaneChanges, RowOrder } from './aggregate.ts';
import { ExactSum } from './exact-sum.ts';
import { NonFinite } from './non-finite.ts';
import { spreadOf, type Spread } from './variance.ts';

/** How many doubles, their exact sum and that of their squares. With a NaN or an infinity among them the variance is NaN. */
export class FloatMoments implements Aggregate {
  private values = 0;
  private readonly sum = new ExactSum();
  private readonly squares = new ExactSum();
  /** Null until there is one. */
  private nonFinite: NonFinite | null = null;

  get isEmpty(): boolean {
    return this.values === 0;
  }

  insert(value: Value, at: RowOrder, changes: PaneChanges | null): void {
    if (value === null) return;
    const summand = value as number;
    this.values++;
    if (Number.isFinite(summand)) {
      this.sum.add(summand);
      this.squares.addSquare(summand);
    } else (this.nonFinite ??= new NonFinite()).insert(summand);
    changes?.insert(value, at);
  }

  retract(value: Value, at: RowOrder, changes: PaneChanges | null): boolean {
    if (value === null) return true;
    const summand = value as number;
    if (this.values === 0) return false;
    if (Number.isFinite(summand)) {
      this.sum.add(-summand);
      this.squares.subtractSquare(summand);
    } else if (this.nonFinite?.retract(summand) !== true) return false;
    this.values--;
    changes?.retract(value, at);
    return true;
  }

  add(pane: FloatMoments): void {
    this.values += pane.values;
    this.sum.addAll(pane.sum);
    this.squares.addAll(pane.squares);
    if (pane.nonFinite !== null) (this.nonFinite ??= new NonFinite()).add(pane.nonFinite);
  }

  subtract(pane: FloatMoments): void {
    this.values -= pane.values;
    this.sum.subtractAll(pane.sum);
    this.squares.subtractAll(pane.squares);
    if (pane.nonFinite !== null) this.nonFinite?.subtract(pane.nonFinite);
  }

  write(out: ByteWriter): void {
    const isFinite = this.nonFinite === null || this.nonFinite.isEmpty;
    out.varint(this.values * 2 + (isFinite ? 0 : 1));
    if (this.values === 0) return;
    this.sum.write(out);
    this.squares.write(out);
    if (!isFinite) this.nonFinite!.write(out);
  }

  read(from: ByteReader): void {
    const head = from.varint();
    this.values = Math.floor(head / 2);
    if (this.values === 0) return;
    this.sum.read(from);
    this.squares.read(from);
    if (head % 2 === 1) (this.nonFinite = new NonFinite()).read(from);
  }

  spread(spread: Spread): number | null {
    const { values } = this;
    if (values === 0 || (values === 1 && !spread.population)) return null;
    if (this.nonFinite !== null && !this.nonFinite.isEmpty) return Number.NaN;
    const exponent = Math.min(this.sum.exponent, Math.floor(this.squares.exponent / 2));
    const moments = { values, sum: this.sum.scaled(exponent), squares: this.squares.scaled(2 * exponent), exponent };
    return spreadOf(moments, spread, 0);
  }
}
