/**
 * Walks over JSON text without building what is not asked for. The bytes are held as a latin-1 string, one unit per byte: finding and
 * comparing is fast there, and a UTF-8 text is decoded only when it is wanted and is not ASCII.
 */
import { RecordError } from '../errors.ts';

const quote = 0x22;
const backslash = 0x5c;

export class JsonCursor {
  private readonly bytes: Buffer;
  private readonly text: string;
  private at = 0;

  constructor(value: Uint8Array) {
    this.bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    this.text = this.bytes.toString('latin1');
  }

  fail(expected: string): RecordError {
    const found = this.at < this.text.length ? JSON.stringify(this.text.slice(this.at, this.at + 12)) : 'the end';
    return new RecordError(
      'record-undecodable',
      `not the JSON of a change event: expected ${expected} at byte ${this.at}, found ${found}`,
    );
  }

  /** The next byte that is no white space, as a character code; NaN at the end. */
  peek(): number {
    let code = this.text.charCodeAt(this.at);
    while (code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09) code = this.text.charCodeAt(++this.at);
    return code;
  }

  /** Takes one punctuation character. */
  take(character: string): void {
    if (this.peek() !== character.charCodeAt(0)) throw this.fail(`"${character}"`);
    this.at++;
  }

  /** Whether `null` stands here; it is taken then. */
  takeNull(): boolean {
    if (this.peek() !== 0x6e) return false;
    if (!this.text.startsWith('null', this.at)) throw this.fail('null');
    this.at += 4;
    return true;
  }

  /**
   * Goes through the members of an object. `member` is called behind each key and must take the value.
   * @param learned the raw keys of the last object of this kind, in order: a key that stands where it stood is known by one comparison.
   */
  members(learned: string[], member: (key: string) => void): void {
    this.take('{');
    if (this.peek() === 0x7d) {
      this.at++;
      return;
    }
    for (let i = 0; ; i++) {
      member(this.key(learned, i));
      const code = this.peek();
      if (code !== 0x2c && code !== 0x7d) throw this.fail('"," or "}"');
      this.at++;
      if (code === 0x7d) return;
    }
  }

  private key(learned: string[], i: number): string {
    if (this.peek() !== quote) throw this.fail('a key');
    const known = learned[i];
    if (known !== undefined) {
      const end = this.at + 1 + known.length;
      if (
        this.text.startsWith(known, this.at + 1) &&
        this.text.charCodeAt(end) === quote &&
        this.text.charCodeAt(end + 1) === 0x3a
      ) {
        this.at = end + 2;
        return known;
      }
    }
    const key = this.string();
    this.take(':');
    learned[i] = key;
    return key;
  }

  /** A string, decoded. */
  string(): string {
    const start = this.at;
    const end = this.skipString();
    const raw = this.text.slice(start + 1, end);
    if (!/[\\\x80-\xff]/.test(raw)) return raw;
    const decoded = this.bytes.toString('utf8', start, end + 1);
    return raw.includes('\\') ? this.unescape(decoded, start) : decoded.slice(1, -1);
  }

  private unescape(literal: string, start: number): string {
    try {
      const text = JSON.parse(literal) as string;
      // Half a surrogate pair has no UTF-8 form: it would not come back from a frame as it went in.
      if (!/\p{Surrogate}/u.test(text)) return text;
    } catch {
      // An unknown escape; told below, with its place.
    }
    this.at = start;
    throw this.fail('a string');
  }

  /** A number as it is written: never through a double. */
  number(): string {
    this.peek();
    const start = this.at;
    let code = this.text.charCodeAt(this.at);
    while (
      (code >= 0x30 && code <= 0x39) ||
      code === 0x2d ||
      code === 0x2b ||
      code === 0x2e ||
      code === 0x65 ||
      code === 0x45
    ) {
      code = this.text.charCodeAt(++this.at);
    }
    if (this.at === start) throw this.fail('a number');
    return this.text.slice(start, this.at);
  }

  /** `true` or `false`. */
  boolean(): boolean {
    this.peek();
    for (const value of ['true', 'false'] as const) {
      if (!this.text.startsWith(value, this.at)) continue;
      this.at += value.length;
      return value === 'true';
    }
    throw this.fail('true or false');
  }

  /** Passes over any value. */
  skip(): void {
    const code = this.peek();
    if (code === quote) this.skipString();
    else if (code === 0x7b || code === 0x5b) this.skipNested();
    else if (code === 0x74 || code === 0x66) this.boolean();
    else if (!this.takeNull()) this.number();
  }

  /** Nothing but white space may follow. */
  end(): void {
    if (!Number.isNaN(this.peek())) throw this.fail('the end');
  }

  /** @returns the index of the closing quote. */
  private skipString(): number {
    if (this.peek() !== quote) throw this.fail('a string');
    let end = this.text.indexOf('"', this.at + 1);
    while (end !== -1 && this.isEscaped(end)) end = this.text.indexOf('"', end + 1);
    if (end === -1) {
      this.at = this.text.length;
      throw this.fail('a closing quote');
    }
    this.at = end + 1;
    return end;
  }

  private isEscaped(at: number): boolean {
    let first = at;
    while (this.text.charCodeAt(first - 1) === backslash) first--;
    return (at - first) % 2 === 1;
  }

  private skipNested(): void {
    const closers: number[] = [];
    do {
      const code = this.peek();
      if (code === quote) {
        this.skipString();
        continue;
      }
      if (Number.isNaN(code)) throw this.fail('a closing bracket');
      if (code === 0x7b || code === 0x5b) closers.push(code + 2);
      else if ((code === 0x7d || code === 0x5d) && closers.pop() !== code) throw this.fail('the other kind of bracket');
      this.at++;
    } while (closers.length > 0);
  }
}
