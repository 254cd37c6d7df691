import type { Value } from '../../define/column.ts';
import type { ByteReader, ByteWriter } from '../../frames/bytes.ts';
import type { Aggregate, PaneChanges, RowOrder } from './aggregate.ts';
import { divide } from './exact-division.ts';
import { ExactSum } from './exact-sum.ts';
import { NonFinite } from './non-finite.ts';

/** The sum of doubles: exact, and rounded once when it is read. A sum of 0 is never -0. */
export class FloatSum implements Aggregate {
  private values = 0;
  private readonly finite = new ExactSum();
  /** Null until there is one. */
  private nonFinite: NonFinite | null = null;

  get isEmpty(): boolean {
    return this.values === 0;
  }

  insert(value: Value, at: RowOrder, changes: PaneChanges | null): void {
    if (value === null) return;
    const summand = value as number;
    this.values++;
    if (Number.isFinite(summand)) this.finite.add(summand);
    else (this.nonFinite ??= new NonFinite()).insert(summand);
    changes?.insert(value, at);
  }

  retract(value: Value, at: RowOrder, changes: PaneChanges | null): boolean {
    if (value === null) return true;
    const summand = value as number;
    if (this.values === 0) return false;
    if (Number.isFinite(summand)) this.finite.add(-summand);
    else if (this.nonFinite?.retract(summand) !== true) return false;
    this.values--;
    changes?.retract(value, at);
    return true;
  }

  add(pane: FloatSum): void {
    this.values += pane.values;
    this.finite.addAll(pane.finite);
    if (pane.nonFinite !== null) (this.nonFinite ??= new NonFinite()).add(pane.nonFinite);
  }

  subtract(pane: FloatSum): void {
    this.values -= pane.values;
    this.finite.subtractAll(pane.finite);
    if (pane.nonFinite !== null) this.nonFinite?.subtract(pane.nonFinite);
  }

  write(out: ByteWriter): void {
    const isFinite = this.nonFinite === null || this.nonFinite.isEmpty;
    out.varint(this.values * 2 + (isFinite ? 0 : 1));
    if (this.values > 0) this.finite.write(out);
    if (!isFinite) this.nonFinite!.write(out);
  }

  read(from: ByteReader): void {
    const head = from.varint();
    this.values = Math.floor(head / 2);
    if (this.values > 0) this.finite.read(from);
    if (head % 2 === 1) (this.nonFinite = new NonFinite()).read(from);
  }

  /** The nearest double; infinite where that is, and NaN where IEEE 754 has it. */
  sum(): number | null {
    if (this.values === 0) return null;
    return this.nonFinite === null || this.nonFinite.isEmpty ? this.finite.rounded : this.nonFinite.sum;
  }

  /** The nearest double to the exact sum divided by how many there are: finite even where the sum is not. */
  mean(): number | null {
    if (this.values === 0) return null;
    if (this.nonFinite !== null && !this.nonFinite.isEmpty) return this.nonFinite.sum;
    const sum = this.finite.exactly;
    if (sum !== null) return sum / this.values;
    const { exponent } = this.finite;
    const numerator = this.finite.scaled(exponent);
    const values = BigInt(this.values);
    return exponent < 0
      ? divide(numerator, values << BigInt(-exponent))
      : divide(numerator << BigInt(exponent), values);
  }
}
