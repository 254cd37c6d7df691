import type { ByteReader, ByteWriter } from '../../frames/bytes.ts';

/** How many NaN and infinities are among summed doubles: they cannot be taken out of a sum, so they never go in. */
export class NonFinite {
  private nans = 0;
  private positive = 0;
  private negative = 0;

  get isEmpty(): boolean {
    return this.nans + this.positive + this.negative === 0;
  }

  /** What IEEE 754 gives for their sum. Of at least one. */
  get sum(): number {
    if (this.nans > 0 || (this.positive > 0 && this.negative > 0)) return Number.NaN;
    return this.positive > 0 ? Infinity : -Infinity;
  }

  insert(value: number): void {
    if (value === Infinity) this.positive++;
    else if (value === -Infinity) this.negative++;
    else this.nans++;
  }

  /** @returns false when no such value was there. */
  retract(value: number): boolean {
    const kind = value === Infinity ? 'positive' : value === -Infinity ? 'negative' : 'nans';
    if (this[kind] === 0) return false;
    this[kind]--;
    return true;
  }

  add(other: NonFinite): void {
    this.nans += other.nans;
    this.positive += other.positive;
    this.negative += other.negative;
  }

  subtract(other: NonFinite): void {
    this.nans -= other.nans;
    this.positive -= other.positive;
    this.negative -= other.negative;
  }

  write(out: ByteWriter): void {
    out.varint(this.nans);
    out.varint(this.positive);
    out.varint(this.negative);
  }

  read(from: ByteReader): void {
    this.nans = from.varint();
    this.positive = from.varint();
    this.negative = from.varint();
  }
}
