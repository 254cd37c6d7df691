/** 2^53 has eight groups of seven bits. */
const varintLimit_bytes = 8;

/** A growing buffer that writes the primitives of all formats. Little-endian. */
export class ByteWriter {
  private buffer: Buffer;
  private length = 0;

  constructor(capacity_bytes = 4096) {
    this.buffer = Buffer.allocUnsafe(capacity_bytes);
  }

  get size_bytes(): number {
    return this.length;
  }

  /** May replace the buffer: to be called before `this.buffer` is looked at. */
  private reserve(bytes: number): number {
    const at = this.length;
    if (at + bytes > this.buffer.length) {
      const grown = Buffer.allocUnsafe(Math.max(this.buffer.length * 2, at + bytes));
      this.buffer.copy(grown, 0, 0, at);
      this.buffer = grown;
    }
    this.length = at + bytes;
    return at;
  }

  u8(value: number): void {
    const at = this.reserve(1);
    this.buffer[at] = value;
  }

  u32(value: number): void {
    const at = this.reserve(4);
    this.buffer.writeUInt32LE(value, at);
  }

  i32(value: number): void {
    const at = this.reserve(4);
    this.buffer.writeInt32LE(value, at);
  }

  f64(value: number): void {
    const at = this.reserve(8);
    this.buffer.writeDoubleLE(value, at);
  }

  i64(value: bigint): void {
    const at = this.reserve(8);
    this.buffer.writeBigInt64LE(value, at);
  }

  /** A whole number from 0 to 2^53 - 1, seven bits a byte, lowest first. @throws RangeError for an infinite one. */
  varint(value: number): void {
    if (value < 0x80 && value >= 0) {
      this.u8(value);
      return;
    }
    if (!Number.isFinite(value)) throw new RangeError(`${value} is no whole number`);
    let rest = value;
    while (rest >= 0x80) {
      this.u8((rest % 0x80) | 0x80);
      rest = Math.floor(rest / 0x80);
    }
    this.u8(rest);
  }

  /** A whole number of either sign: 0, -1, 1, -2, … as 0, 1, 2, 3, … */
  zigzag(value: number): void {
    this.varint(value < 0 ? -value * 2 - 1 : value * 2);
  }

  /** Length and UTF-8 bytes. */
  text(value: string): void {
    const bytes = Buffer.byteLength(value, 'utf8');
    this.varint(bytes);
    this.writeText(value, bytes);
  }

  /** UTF-8 bytes alone. */
  utf8(value: string): void {
    this.writeText(value, Buffer.byteLength(value, 'utf8'));
  }

  private writeText(value: string, bytes: number): void {
    const at = this.reserve(bytes);
    this.buffer.write(value, at, bytes === value.length ? 'latin1' : 'utf8');
  }

  raw(bytes: Uint8Array): void {
    const at = this.reserve(bytes.length);
    this.buffer.set(bytes, at);
  }

  /** What {@link charactersFrom} gave. */
  characters(text: string): void {
    const at = this.reserve(text.length);
    this.buffer.write(text, at, 'latin1');
  }

  /**
   * What was written from a place to another, for keeping: a character for each byte. Such a string is exactly as large as it has to be, and
   * nothing for the garbage collector to look into; a small Buffer keeps the 8 KiB alive that it was cut from.
   */
  charactersFrom(start: number, end: number): string {
    return this.buffer.toString('latin1', start, end);
  }

  /** All that another has written, behind how many bytes that is; the other starts anew. */
  sized(other: ByteWriter): void {
    this.varint(other.length);
    const at = this.reserve(other.length);
    other.buffer.copy(this.buffer, at, 0, other.length);
    other.length = 0;
  }

  /** What was written, as a copy; the writer starts anew. */
  take(): Buffer {
    const taken = Buffer.allocUnsafe(this.length);
    this.buffer.copy(taken, 0, 0, this.length);
    this.length = 0;
    return taken;
  }
}

/** Reads what {@link ByteWriter} wrote. @throws RangeError past the end. */
export class ByteReader {
  private readonly buffer: Buffer;
  private at: number;

  constructor(bytes: Uint8Array, offset = 0) {
    this.buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = offset;
  }

  /** How many bytes are before what is read next. */
  get offset(): number {
    return this.at;
  }

  /** To where it stood before. */
  back(offset: number): void {
    this.at = offset;
  }

  get remaining_bytes(): number {
    return this.buffer.length - this.at;
  }

  private advance(bytes: number): number {
    const at = this.at;
    if (at + bytes > this.buffer.length)
      throw new RangeError(`ends after ${this.buffer.length} bytes, in the middle of a value`);
    this.at = at + bytes;
    return at;
  }

  u8(): number {
    return this.buffer[this.advance(1)]!;
  }

  u32(): number {
    return this.buffer.readUInt32LE(this.advance(4));
  }

  i32(): number {
    return this.buffer.readInt32LE(this.advance(4));
  }

  f64(): number {
    return this.buffer.readDoubleLE(this.advance(8));
  }

  i64(): bigint {
    return this.buffer.readBigInt64LE(this.advance(8));
  }

  varint(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < varintLimit_bytes; i++) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 0x80;
    }
    throw new RangeError(`a number has more than ${varintLimit_bytes} bytes`);
  }

  zigzag(): number {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  text(): string {
    const bytes = this.varint();
    const at = this.advance(bytes);
    return this.buffer.toString('utf8', at, at + bytes);
  }

  raw(bytes: number): Uint8Array {
    const at = this.advance(bytes);
    return this.buffer.subarray(at, at + bytes);
  }
}
