import type { ByteReader, ByteWriter } from '../../frames/bytes.ts';
import { divide } from './exact-division.ts';
import { readBigint, writeBigint } from './scalar-codec.ts';

/** As many doubles below this as a number can count have a sum that is a double. */
const summandLimit = 2 ** 960;
/** The square of a double in between is a double plus a double, both normal. */
const smallestBase = 2 ** -450;
const largestBase = 2 ** 450;
/** Splits a double into halves of 26 bits each. */
const splitter = 2 ** 27 + 1;

/** What is outside these limits is summed in units of 2^-2148: the square of the smallest double is one. */
const finestExponent = -2148;
/** The exponent of the last bit of 1. */
const bitsBehindPoint = 52;
const smallestExponent = -1074;

const scratch = new DataView(new ArrayBuffer(8));

/** The exponent of the last bit that a double has room for. */
function exponentOf(value: number): number {
  scratch.setFloat64(0, value);
  const biased = (scratch.getUint32(0) >>> 20) & 0x7ff;
  return biased === 0 ? smallestExponent : biased - 1023 - bitsBehindPoint;
}

/** A double as a whole number of times 2^exponent, its exponent being {@link exponentOf}. */
function mantissaOf(value: number): bigint {
  scratch.setFloat64(0, value);
  const high = scratch.getUint32(0);
  const hidden = ((high >>> 20) & 0x7ff) === 0 ? 0 : 2 ** 52;
  const mantissa = hidden + (high & 0xfffff) * 2 ** 32 + scratch.getUint32(4);
  return BigInt(value < 0 ? -mantissa : mantissa);
}

/** Whether the two-product of the value with itself is exact. */
function isBase(value: number): boolean {
  const size = Math.abs(value);
  return (size < largestBase && size > smallestBase) || size === 0;
}

function squareOf(value: number): bigint {
  const mantissa = mantissaOf(value);
  return (mantissa * mantissa) << BigInt(2 * exponentOf(value) - finestExponent);
}

/**
 * The sum of any finite doubles, exact: order and retraction change no bit. Kept as an expansion: doubles in ascending order that do
 * not overlap and whose exact sum it is, nearly always one or two (Shewchuk, "Adaptive Precision Floating-Point Arithmetic and
 * Fast Robust Geometric Predicates", 1997: Grow-Expansion; its use for sums is Hettinger's msum, Python's math.fsum). Squares come in
 * exactly as well (Dekker, "A Floating-Point Technique for Extending the Available Precision", 1971: two-product). What is so large or
 * small that an intermediate result might overflow or underflow is kept apart in an integer.
 */
export class ExactSum {
  private parts: number[] | null = null;
  /** How many of the parts are in use. */
  private used = 0;
  private outliers = 0n;

  add(value: number): void {
    if (value < summandLimit && value > -summandLimit) this.grow(value);
    else this.outliers += mantissaOf(value) << BigInt(exponentOf(value) - finestExponent);
  }

  addSquare(value: number): void {
    if (isBase(value)) this.growBySquare(value, 1);
    else this.outliers += squareOf(value);
  }

  subtractSquare(value: number): void {
    if (isBase(value)) this.growBySquare(value, -1);
    else this.outliers -= squareOf(value);
  }

  addAll(other: ExactSum): void {
    for (let i = 0; i < other.used; i++) this.grow(other.parts![i]!);
    this.outliers += other.outliers;
  }

  subtractAll(other: ExactSum): void {
    for (let i = 0; i < other.used; i++) this.grow(-other.parts![i]!);
    this.outliers -= other.outliers;
  }

  /** The sum, if it is a double; else null. */
  get exactly(): number | null {
    if (this.outliers !== 0n || this.used > 1) return null;
    return this.used === 0 ? 0 : this.parts![0]!;
  }

  /** The largest exponent known to divide the sum: it is {@link scaled} times 2 to that. */
  get exponent(): number {
    if (this.outliers !== 0n) return finestExponent;
    return this.used === 0 ? 0 : exponentOf(this.parts![0]!);
  }

  /** The sum as a whole number of times 2^exponent. @param exponent at most {@link exponent}. */
  scaled(exponent: number): bigint {
    let sum = this.outliers === 0n ? 0n : this.outliers << BigInt(finestExponent - exponent);
    for (let i = 0; i < this.used; i++) {
      const part = this.parts![i]!;
      sum += mantissaOf(part) << BigInt(exponentOf(part) - exponent);
    }
    return sum;
  }

  /** The nearest double to the sum of the parts, a tie to the even one; outliers are not in it. */
  private roundedParts(): number {
    const parts = this.parts!;
    let n = this.used;
    if (n === 0) return 0;
    let high = parts[--n]!;
    let low = 0;
    while (n > 0) {
      const before = high;
      const part = parts[--n]!;
      high = before + part;
      low = part - (high - before);
      if (low !== 0) break;
    }
    // Half a unit is a tie only if nothing stands below it; else the sign of what does decides.
    if (n === 0 || low < 0 !== parts[n - 1]! < 0) return high;
    const twice = low * 2;
    const other = high + twice;
    return twice === other - high ? other : high;
  }

  /** The nearest double, a tie to the even one. */
  get rounded(): number {
    if (this.outliers === 0n) return this.roundedParts();
    return divide(this.scaled(finestExponent), 1n << BigInt(-finestExponent));
  }

  /** As the fewest doubles, each the nearest to what the ones before leave: the same for the same sum. */
  write(out: ByteWriter): void {
    const rest = new ExactSum();
    rest.addAll(this);
    const parts: number[] = [];
    while (rest.used > 0) {
      const part = rest.roundedParts();
      parts.push(part);
      rest.grow(-part);
    }
    out.varint(parts.length * 2 + (this.outliers === 0n ? 0 : 1));
    for (const part of parts) out.f64(part);
    if (this.outliers !== 0n) writeBigint(out, this.outliers);
  }

  read(from: ByteReader): void {
    const head = from.varint();
    for (let rest = Math.floor(head / 2); rest > 0; rest--) this.grow(from.f64());
    if (head % 2 === 1) this.outliers = readBigint(from);
  }

  private growBySquare(value: number, sign: 1 | -1): void {
    const square = value * value;
    const shifted = value * splitter;
    const high = shifted - (shifted - value);
    const low = value - high;
    const error = high * high - square + 2 * high * low + low * low;
    this.grow(error * sign);
    this.grow(square * sign);
  }

  private grow(value: number): void {
    // An array that begins with a fraction is one of doubles, and stays one.
    const parts = (this.parts ??= [0.5]);
    let kept = 0;
    let sum = value;
    for (let i = 0; i < this.used; i++) {
      const part = parts[i]!;
      const next = sum + part;
      const virtual = next - sum;
      const error = sum - (next - virtual) + (part - virtual);
      if (error !== 0) parts[kept++] = error;
      sum = next;
    }
    if (sum !== 0) {
      if (kept < parts.length) parts[kept] = sum;
      else parts.push(sum);
      kept++;
    }
    this.used = kept;
  }
}
