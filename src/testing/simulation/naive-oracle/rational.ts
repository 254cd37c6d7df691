/** Exact arithmetic over what doubles and decimals stand for, and its results as the nearest double. */

/** numerator / denominator; the denominator is above zero. */
export interface Rational {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

const [significand, lowestExponent, highestExponent] = [53n, -1074n, 1023n];

/** What a finite double stands for. */
export function rationalOf(value: number): Rational {
  const bits = new DataView(new ArrayBuffer(8));
  bits.setFloat64(0, value);
  const word = bits.getBigUint64(0);
  const exponent = (word >> 52n) & 0x7ffn;
  const fraction = word & 0xf_ffff_ffff_ffffn;
  const whole = exponent === 0n ? fraction : fraction | (1n << 52n);
  const scaled = whole << (exponent === 0n ? 0n : exponent - 1n);
  return { numerator: word >> 63n === 0n ? scaled : -scaled, denominator: 1n << -lowestExponent };
}

export function add(a: Rational, b: Rational): Rational {
  if (a.denominator === b.denominator) return { ...a, numerator: a.numerator + b.numerator };
  return {
    numerator: a.numerator * b.denominator + b.numerator * a.denominator,
    denominator: a.denominator * b.denominator,
  };
}

export const multiply = (a: Rational, b: Rational): Rational => ({
  numerator: a.numerator * b.numerator,
  denominator: a.denominator * b.denominator,
});

export const subtract = (a: Rational, b: Rational): Rational => add(a, { ...b, numerator: -b.numerator });

/** @param divisor above zero. */
export const divide = (a: Rational, divisor: bigint): Rational => ({ ...a, denominator: a.denominator * divisor });

const bitLength = (value: bigint): bigint => BigInt(value.toString(2).length);

/** The nearest double, the even one of two: IEEE 754. */
export function nearest({ numerator, denominator }: Rational): number {
  if (numerator === 0n) return 0;
  if (numerator < 0n) return -nearest({ numerator: -numerator, denominator });
  // Of the last place of the result, a power of two: at least what the significand leaves, at least the smallest double.
  let place = bitLength(numerator) - bitLength(denominator) - significand;
  if (place < lowestExponent) place = lowestExponent;
  let whole = roundedQuotient(numerator, denominator, place);
  if (whole >= 1n << significand) whole = roundedQuotient(numerator, denominator, ++place);
  if (bitLength(whole) + place > highestExponent + 1n) return Infinity;
  // Both factors, and the product, are exact.
  const half = place / 2n;
  return Number(whole) * 2 ** Number(half) * 2 ** Number(place - half);
}

/** numerator / (denominator · 2^place), to the nearest whole number, the even one of two. */
function roundedQuotient(numerator: bigint, denominator: bigint, place: bigint): bigint {
  const [a, b] = place < 0n ? [numerator << -place, denominator] : [numerator, denominator << place];
  const quotient = a / b;
  const twice = 2n * (a - quotient * b);
  if (twice < b || (twice === b && quotient % 2n === 0n)) return quotient;
  return quotient + 1n;
}

/** The double nearest to the square root of what is not below zero. */
export function nearestRoot({ numerator, denominator }: Rational): number {
  if (numerator === 0n) return 0;
  // Twice as many digits behind the point as the root needs, however small it is.
  const shift = bitLength(denominator) + 160n;
  const scaled = numerator << (2n * shift);
  const root = wholeRoot(scaled / denominator);
  // A digit more says whether something is left: it decides a tie.
  const isExact = root * root * denominator === scaled;
  return nearest({ numerator: 2n * root + (isExact ? 0n : 1n), denominator: 1n << (shift + 1n) });
}

/** Newton's, from above. */
function wholeRoot(value: bigint): bigint {
  if (value < 2n) return value;
  let root = 1n << ((bitLength(value) + 1n) / 2n);
  for (;;) {
    const next = (root + value / root) / 2n;
    if (next >= root) return root;
    root = next;
  }
}
