/**
 * Chance from a seed: the same seed gives the same run. The generator is sfc32 (Chris Doty-Humphrey's "Small Fast Counting" RNG
 * of PractRand, public domain), its four words made of the seed's text by FNV-1a with MurmurHash3's mixer.
 */
export class Random {
  readonly seed: string;
  private a: number;
  private b: number;
  private c: number;
  private counter = 1;

  constructor(seed: string | number) {
    this.seed = String(seed);
    this.a = word(`a${this.seed}`);
    this.b = word(`b${this.seed}`);
    this.c = word(`c${this.seed}`);
    // The first numbers still show the seed's words.
    for (let i = 0; i < 12; i++) this.uint32();
  }

  /**
   * An independent stream, made of the seed and the label alone: a draw more in one part does not shift the others. The same
   * label twice gives the same stream twice.
   */
  fork(label: string | number): Random {
    return new Random(`${this.seed}/${label}`);
  }

  /** In [0, 1). */
  next(): number {
    return this.uint32() / 2 ** 32;
  }

  /** A whole number in [0, limit). */
  int(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  /** A whole number, both ends included. */
  between(low: number, high: number): number {
    return low + this.int(high - low + 1);
  }

  /** True with this probability. */
  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** @throws RangeError when there is nothing to pick from. */
  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new RangeError('nothing to pick from');
    return items[this.int(items.length)]!;
  }

  /** @param choices weights above or equal to zero, each with what it stands for. @throws RangeError when they sum to zero. */
  weighted<T>(choices: readonly (readonly [weight: number, choice: T])[]): T {
    const total = choices.reduce((sum, [weight]) => sum + weight, 0);
    if (!(total > 0)) throw new RangeError('no choice has a weight');
    let left = this.next() * total;
    for (const [weight, choice] of choices) {
      if (left < weight) return choice;
      left -= weight;
    }
    // Rounding may leave a rest behind the last one.
    return choices.findLast(([weight]) => weight > 0)![1];
  }

  /** A copy in another order (Fisher and Yates). */
  shuffle<T>(items: readonly T[]): T[] {
    const shuffled = [...items];
    for (let i = shuffled.length - 1; i > 0; i--) {
      const j = this.int(i + 1);
      [shuffled[i], shuffled[j]] = [shuffled[j]!, shuffled[i]!];
    }
    return shuffled;
  }

  private uint32(): number {
    const sum = (this.a + this.b + this.counter) | 0;
    this.counter = (this.counter + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = (((this.c << 21) | (this.c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }
}

function word(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
