/** Exact arithmetic of doubles, written for being obviously right: as fractions of integers. */

export interface Fraction {
  readonly numerator: bigint;
  /** Above 0. */
  readonly denominator: bigint;
}

/** @param value finite. */
export function fractionOf(value: number): Fraction {
  let numerator = value;
  let denominator = 1n;
  // What is no integer is small, and taking it times a power of 2 loses nothing.
  while (!Number.isInteger(numerator)) {
    numerator *= 2 ** 64;
    denominator *= 2n ** 64n;
  }
  return { numerator: BigInt(numerator), denominator };
}

export function plus(a: Fraction, b: Fraction): Fraction {
  if (b.denominator % a.denominator === 0n) {
    const numerator = a.numerator * (b.denominator / a.denominator) + b.numerator;
    return { numerator, denominator: b.denominator };
  }
  if (a.denominator % b.denominator === 0n) return plus(b, a);
  const numerator = a.numerator * b.denominator + b.numerator * a.denominator;
  return { numerator, denominator: a.denominator * b.denominator };
}

export const times = (a: Fraction, b: Fraction): Fraction => ({
  numerator: a.numerator * b.numerator,
  denominator: a.denominator * b.denominator,
});

const bits = new DataView(new ArrayBuffer(8));

/** The doubles from 0 on, numbered in their order. */
function doubleOf(number: bigint): number {
  bits.setBigUint64(0, number);
  return bits.getFloat64(0);
}

const numberOfInfinity = 0x7ff0000000000000n;
/** What would follow the largest double if exponents went on. */
const beyond: Fraction = { numerator: 2n ** 1024n, denominator: 1n };

const fractionAt = (number: bigint): Fraction => (number === numberOfInfinity ? beyond : fractionOf(doubleOf(number)));

/**
 * The double that is nearest to what is looked for, of two the one with an even last bit, found among all doubles by bisection.
 * @param order below 0 for what is less than that, 0 for that, else above 0; of what is not negative.
 */
function nearestBy(order: (candidate: Fraction) => bigint): number {
  let low = 0n;
  let high = numberOfInfinity;
  while (high - low > 1n) {
    const middle = (low + high) / 2n;
    if (order(fractionAt(middle)) <= 0n) low = middle;
    else high = middle;
  }
  const sum = plus(fractionAt(low), fractionAt(high));
  const side = order({ numerator: sum.numerator, denominator: sum.denominator * 2n });
  if (side === 0n) return doubleOf(low % 2n === 0n ? low : high);
  return doubleOf(side > 0n ? low : high);
}

export function nearestDouble({ numerator, denominator }: Fraction): number {
  if (numerator < 0n) return -nearestDouble({ numerator: -numerator, denominator });
  return nearestBy((f) => f.numerator * denominator - numerator * f.denominator);
}

/** Nearest to the square root of what is not negative. */
export function nearestRoot({ numerator, denominator }: Fraction): number {
  return nearestBy((f) => f.numerator ** 2n * denominator - numerator * f.denominator ** 2n);
}
