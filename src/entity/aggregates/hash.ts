import type { Scalar } from '../../define/column.ts';

/** Digits of π, so that nothing hashes to nothing. */
const seedHigh = 0x243f6a88;
const seedLow = 0x85a308d3;

const bytes = new DataView(new ArrayBuffer(8));

/** The hash, in two halves of 32 bits: of the last call of {@link hash}. A bigint would cost more than the hash itself. */
export const hashed = { high: 0, low: 0 };

/**
 * 64 bits of a value, well mixed and the same everywhere: the first two lanes of MurmurHash3_x86_128 (Appleby, 2011) with its constants,
 * each fed every word. Words are the 32 bits of: a text's UTF-16 units, two at a time; an integer's two's complement, 64 bits and as many
 * more as it needs; a double's bits, low half first. Equal values of one type have equal hashes: -0 has to be 0 before.
 */
export function hash(value: Scalar): void {
  let length = 2;
  hashed.high = seedHigh;
  hashed.low = seedLow;
  if (typeof value === 'string') {
    ({ length } = value);
    for (let i = 0; i < length; i += 2) {
      mix(value.charCodeAt(i) | (i + 1 < length ? value.charCodeAt(i + 1) << 16 : 0));
    }
  } else if (typeof value === 'bigint') length = mixBigint(value);
  else if (typeof value === 'boolean') mix(value ? 1 : 0);
  else {
    bytes.setFloat64(0, value);
    mix(bytes.getInt32(4));
    mix(bytes.getInt32(0));
  }
  finish(length);
}

function mixBigint(value: bigint): number {
  let length = 2;
  let rest = value;
  do {
    bytes.setBigInt64(0, BigInt.asIntN(64, rest));
    mix(bytes.getInt32(4));
    mix(bytes.getInt32(0));
    rest = bytes.getBigInt64(0) === rest ? 0n : (rest - BigInt.asIntN(64, rest)) >> 64n;
    length += 2;
  } while (rest !== 0n);
  return length;
}

function rotate(word: number, by: number): number {
  return (word << by) | (word >>> (32 - by));
}

function mix(word: number): void {
  let { high, low } = hashed;
  low ^= Math.imul(rotate(Math.imul(word, 0x239b961b), 15), 0xab0e9789);
  low = (Math.imul(rotate(low, 19) + high, 5) + 0x561ccd1b) | 0;
  high ^= Math.imul(rotate(Math.imul(word, 0xab0e9789), 16), 0x38b34ae5);
  high = (Math.imul(rotate(high, 17) + low, 5) + 0x0bcaa747) | 0;
  hashed.high = high;
  hashed.low = low;
}

function finish(length: number): void {
  let low = hashed.low ^ length;
  let high = hashed.high ^ length;
  low = (low + high) | 0;
  high = (high + low) | 0;
  low = avalanche(low);
  high = avalanche(high);
  low = (low + high) | 0;
  hashed.low = low >>> 0;
  hashed.high = (high + low) >>> 0;
}

/** Each bit in changes each bit out half of the time: fmix32. */
function avalanche(word: number): number {
  let mixed = word;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
