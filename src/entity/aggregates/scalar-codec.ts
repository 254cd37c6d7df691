/** Scalars as bytes, each in as few as it needs: for the state of panes. */
import type { ColumnType, Scalar } from '../../define/column.ts';
import type { ByteReader, ByteWriter } from '../../frames/bytes.ts';

/** Its zigzag form and the bit that tells it from a wide one fit into a varint. */
const narrowLimit = 2n ** 51n;
const stepLimit = 2 ** 51;

/** An integer of any size. */
export function writeBigint(out: ByteWriter, value: bigint): void {
  if (value < narrowLimit && value > -narrowLimit) {
    const narrow = Number(value);
    out.varint((narrow < 0 ? -narrow * 2 - 1 : narrow * 2) * 2);
    return;
  }
  const zigzag = value < 0n ? -value * 2n - 1n : value * 2n;
  const digits = zigzag.toString(16);
  const bytes = Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, 'hex');
  out.varint(bytes.length * 2 + 1);
  out.raw(bytes);
}

export function readBigint(from: ByteReader): bigint {
  const head = from.varint();
  if (head % 2 === 0) {
    const zigzag = head / 2;
    return BigInt(zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2);
  }
  const zigzag = BigInt(`0x${Buffer.from(from.raw((head - 1) / 2)).toString('hex')}`);
  return (zigzag & 1n) === 0n ? zigzag >> 1n : -((zigzag + 1n) >> 1n);
}

/**
 * A number as its distance from the one before, where that is a whole number of up to 51 bits; else itself.
 */
export function writeStep(out: ByteWriter, value: number, before: number): void {
  const step = value - before;
  if (Number.isInteger(step) && step < stepLimit && step > -stepLimit) {
    out.varint((step < 0 ? -step * 2 - 1 : step * 2) * 2);
    return;
  }
  out.varint(1);
  out.f64(value);
}

export function readStep(from: ByteReader, before: number): number {
  const head = from.varint();
  if (head === 1) return from.f64();
  const zigzag = head / 2;
  return before + (zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2);
}

/** A value of a known type. */
export function writeScalar(out: ByteWriter, value: Scalar, type: ColumnType): void {
  switch (type.kind) {
    case 'int32':
    case 'date':
      out.zigzag(value as number);
      return;
    case 'float64':
      out.f64(value as number);
      return;
    case 'boolean':
      out.u8(value === true ? 1 : 0);
      return;
    case 'text':
      out.text(value as string);
      return;
    default:
      writeBigint(out, value as bigint);
  }
}

export function readScalar(from: ByteReader, type: ColumnType): Scalar {
  switch (type.kind) {
    case 'int32':
    case 'date':
      return from.zigzag();
    case 'float64':
      return from.f64();
    case 'boolean':
      return from.u8() === 1;
    case 'text':
      return from.text();
    default:
      return readBigint(from);
  }
}

const tagOfBigint = 0;
const tagOfInteger = 1;
const tagOfDouble = 2;
const tagOfText = 3;
const tagOfFalse = 4;
const tagOfTrue = 5;

/** A value of a type that only its bytes tell: a part of a primary key. */
export function writeTagged(out: ByteWriter, value: Scalar): void {
  switch (typeof value) {
    case 'bigint':
      out.u8(tagOfBigint);
      writeBigint(out, value);
      return;
    case 'string':
      out.u8(tagOfText);
      out.text(value);
      return;
    case 'boolean':
      out.u8(value ? tagOfTrue : tagOfFalse);
      return;
    default:
      if (value === (value | 0)) {
        out.u8(tagOfInteger);
        out.zigzag(value);
      } else {
        out.u8(tagOfDouble);
        out.f64(value);
      }
  }
}

/** @throws RangeError for an unknown tag. */
export function readTagged(from: ByteReader): Scalar {
  const tag = from.u8();
  switch (tag) {
    case tagOfBigint:
      return readBigint(from);
    case tagOfInteger:
      return from.zigzag();
    case tagOfDouble:
      return from.f64();
    case tagOfText:
      return from.text();
    case tagOfFalse:
      return false;
    case tagOfTrue:
      return true;
    default:
      throw new RangeError(`${tag} is no tag of a scalar`);
  }
}
