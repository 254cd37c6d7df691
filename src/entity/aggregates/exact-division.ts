/** Quotients of exact integers and their square roots, correctly rounded: to the nearest double, a tie to the even one, as IEEE 754 divides. */

/** Integers up to here are doubles, and the quotient of two of them is rounded right by the processor. */
const doubleLimit = 9_007_199_254_740_992n;

/** One more than the last bit of a subnormal number, and one for what is below that. */
const finestScale = 1076;

const scratch = new DataView(new ArrayBuffer(8));

/** @param denominator above 0. */
export function divide(numerator: bigint, denominator: bigint): number {
  if (isDouble(numerator) && isDouble(denominator)) return Number(numerator) / Number(denominator);
  return numerator < 0n ? -divideWide(-numerator, denominator) : divideWide(numerator, denominator);
}

function isDouble(value: bigint): boolean {
  return value <= doubleLimit && value >= -doubleLimit;
}

/**
 * A quotient of 55 bits or more whose last bit is set if anything is left over: rounded once more, to a double, it is as the exact
 * one is (rounding to odd: Boldo and Melquiond, "When double rounding is odd", IMACS 2005).
 */
function divideWide(numerator: bigint, denominator: bigint): number {
  const scale = Math.min(56 - bitLength(numerator) + bitLength(denominator), finestScale);
  const dividend = scale > 0 ? numerator << BigInt(scale) : numerator;
  const divisor = scale < 0 ? denominator << BigInt(-scale) : denominator;
  const floor = dividend / divisor;
  return nearest(floor * divisor === dividend ? floor : floor | 1n, scale);
}

/** The double nearest to a value rounded to odd, divided by 2^scale. */
function nearest(odd: bigint, scale: number): number {
  if (scale === finestScale && odd < 1n << 54n) return roundQuarters(Number(odd)) * Number.MIN_VALUE;
  return timesPowerOfTwo(Number(odd), -scale);
}

/** A quarter of a whole number, to the nearest whole number, a tie to the even one. */
function roundQuarters(value: number): number {
  const rest = value % 4;
  const down = (value - rest) / 4;
  return rest === 3 || (rest === 2 && down % 2 === 1) ? down + 1 : down;
}

/** For values from 2^54 on, whose product is no subnormal number. */
function timesPowerOfTwo(value: number, exponent: number): number {
  if (exponent > 1023) return Infinity;
  // The power may be out of range where the product is not.
  return exponent < -1000 ? value * powerOfTwo(-1000) * powerOfTwo(exponent + 1000) : value * powerOfTwo(exponent);
}

/** From -1022 to 1023. Math.pow may err in its last bit. */
function powerOfTwo(exponent: number): number {
  scratch.setUint32(0, (exponent + 1023) << 20);
  scratch.setUint32(4, 0);
  return scratch.getFloat64(0);
}

/** The square root of a quotient that is not below 0, rounded once. @param denominator above 0. */
export function rootOfQuotient(numerator: bigint, denominator: bigint): number {
  if (numerator === 0n) return 0;
  const scale = Math.min(56 + ((bitLength(denominator) - bitLength(numerator)) >> 1), finestScale);
  const dividend = scale > 0 ? numerator << BigInt(2 * scale) : numerator;
  const divisor = scale < 0 ? denominator << BigInt(-2 * scale) : denominator;
  const square = dividend / divisor;
  const floor = wholeRoot(square);
  const isExact = floor * floor === square && square * divisor === dividend;
  return nearest(isExact ? floor : floor | 1n, scale);
}

/** The root of up to 114 bits, rounded down: from the double nearest to it, a step of Newton's and then one up or down. */
function wholeRoot(square: bigint): bigint {
  if (square === 0n) return 0n;
  const estimate = BigInt(Math.ceil(Math.sqrt(Number(square))));
  let root = (estimate + square / estimate) >> 1n;
  while (root * root > square) root--;
  while ((root + 1n) * (root + 1n) <= square) root++;
  return root;
}

/** How many bits a positive integer has. */
function bitLength(value: bigint): number {
  const digits = value.toString(16);
  return digits.length * 4 - Math.clz32(parseInt(digits[0]!, 16)) + 28;
}
