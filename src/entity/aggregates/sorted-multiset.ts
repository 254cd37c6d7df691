/** Most entries of a chunk: small enough that a shift inside it is cheap, large enough that few chunks are searched. */
const chunkLimit = 256;
/** Fewer are joined with a neighbour, so that removals never leave many small chunks behind. */
const chunkMinimum = 64;

/** A sorted piece of a multiset. */
class Chunk<T> {
  readonly items: T[];
  /** Null while each item is there once, as most are. */
  counts: number[] | null;
  /** How many items, each as often as it is there. */
  total: number;

  constructor(items: T[], counts: number[] | null, total: number) {
    this.items = items;
    this.counts = counts;
    this.total = total;
  }

  countAt(at: number): number {
    return this.counts === null ? 1 : this.counts[at]!;
  }

  /** How many items are below: where the item is, or would stand. */
  find(item: T, compare: (a: T, b: T) => number): number {
    const { items } = this;
    let low = 0;
    let high = items.length;
    // Most of a stream is newest or largest: look at the end first.
    if (compare(items[high - 1]!, item) < 0) return high;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compare(items[middle]!, item) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  insertAt(at: number, item: T, count: number): void {
    this.total += count;
    if (this.counts !== null) insertInto(this.counts, at, count);
    insertInto(this.items, at, item);
    if (this.counts === null && count > 1) {
      this.counts = new Array<number>(this.items.length).fill(1);
      this.counts[at] = count;
    }
  }

  addAt(at: number, count: number): void {
    this.total += count;
    this.counts ??= new Array<number>(this.items.length).fill(1);
    this.counts[at]! += count;
  }

  /** @returns whether the item is gone. */
  removeAt(at: number, count: number): boolean {
    this.total -= count;
    if (this.countAt(at) > count) {
      this.counts![at]! -= count;
      return false;
    }
    removeFrom(this.items, at);
    if (this.counts !== null) removeFrom(this.counts, at);
    return true;
  }

  /** Takes off the upper half as a chunk of its own. */
  split(): Chunk<T> {
    const from = this.items.length >>> 1;
    const counts = this.counts === null ? null : this.counts.splice(from);
    const items = this.items.splice(from);
    const upper = new Chunk(items, counts, sumOf(counts, items.length));
    this.total -= upper.total;
    return upper;
  }

  /** Appends all of the next chunk. */
  append(next: Chunk<T>): void {
    if (this.counts !== null || next.counts !== null) {
      this.counts ??= new Array<number>(this.items.length).fill(1);
      for (let i = 0; i < next.items.length; i++) this.counts.push(next.countAt(i));
    }
    for (const item of next.items) this.items.push(item);
    this.total += next.total;
  }

  copy(): Chunk<T> {
    return new Chunk(this.items.slice(), this.counts === null ? null : this.counts.slice(), this.total);
  }
}

function sumOf(counts: readonly number[] | null, items: number): number {
  if (counts === null) return items;
  let sum = 0;
  for (const count of counts) sum += count;
  return sum;
}

/** Array.prototype.splice makes an array of what it removes, and moves many items faster than a loop. */
const loopLimit = 32;

function insertInto<T>(array: T[], at: number, item: T): void {
  let i = array.length;
  if (i === at) array.push(item);
  else if (i - at > loopLimit) array.splice(at, 0, item);
  else {
    array.push(array[--i]!);
    for (; i > at; i--) array[i] = array[i - 1]!;
    array[at] = item;
  }
}

function removeFrom(array: unknown[], at: number): void {
  const last = array.length - 1;
  if (last - at > loopLimit) {
    if (at === 0) array.shift();
    else array.splice(at, 1);
    return;
  }
  for (let i = at; i < last; i++) array[i] = array[i + 1];
  array.pop();
}

/**
 * A multiset in the order of its items, as sorted arrays of at most {@link chunkLimit} items: a search is two binary searches, a
 * change shifts one chunk, the ends are at hand, and a rank is found by the totals of chunks. (The leaves of a B⁺-tree whose inner
 * nodes are one array; a counted B-tree of two levels.) An empty one has no array, and a small one a single chunk.
 */
export class SortedMultiset<T> {
  private readonly compare: (a: T, b: T) => number;
  /** The only chunk; null when there is none, or several. */
  private single: Chunk<T> | null = null;
  /** Null unless there were several. */
  private chunks: Chunk<T>[] | null = null;
  private items = 0;
  private occurrences = 0;

  constructor(compare: (a: T, b: T) => number) {
    this.compare = compare;
  }

  /** How many different items. */
  get distinct(): number {
    return this.items;
  }

  /** How many items, each as often as it is there. */
  get total(): number {
    return this.occurrences;
  }

  get first(): T | undefined {
    return this.items === 0 ? undefined : this.chunkAt(0).items[0];
  }

  get last(): T | undefined {
    if (this.items === 0) return undefined;
    const { items } = this.chunkAt(this.chunkCount - 1);
    return items[items.length - 1];
  }

  /** @returns how often the item was there before. */
  add(item: T, count = 1): number {
    this.occurrences += count;
    if (this.items === 0) {
      this.items = 1;
      this.single = new Chunk([item], count === 1 ? null : [count], count);
      return 0;
    }
    const c = this.findChunk(item);
    const chunk = this.chunkAt(c);
    const at = chunk.find(item, this.compare);
    if (at < chunk.items.length && this.compare(chunk.items[at]!, item) === 0) {
      const before = chunk.countAt(at);
      chunk.addAt(at, count);
      return before;
    }
    this.items++;
    if (chunk.items.length < chunkLimit) chunk.insertAt(at, item, count);
    else this.insertFull(c, at, item, count);
    return 0;
  }

  /** @returns how often the item was there before: when that is less than the count, nothing is removed. */
  remove(item: T, count = 1): number {
    if (this.items === 0) return 0;
    const c = this.findChunk(item);
    const chunk = this.chunkAt(c);
    const at = chunk.find(item, this.compare);
    if (at === chunk.items.length || this.compare(chunk.items[at]!, item) !== 0) return 0;
    const before = chunk.countAt(at);
    if (before >= count) this.removeAt(c, at, count);
    return before;
  }

  /** Takes away the first item, once. There must be one. */
  removeFirst(): T {
    const item = this.first!;
    this.removeAt(0, 0, 1);
    return item;
  }

  /** Takes away the last item, once. There must be one. */
  removeLast(): T {
    const item = this.last!;
    const c = this.chunkCount - 1;
    this.removeAt(c, this.chunkAt(c).items.length - 1, 1);
    return item;
  }

  /** How often the item is there. */
  count(item: T): number {
    if (this.items === 0) return 0;
    const chunk = this.chunkAt(this.findChunk(item));
    const at = chunk.find(item, this.compare);
    return at < chunk.items.length && this.compare(chunk.items[at]!, item) === 0 ? chunk.countAt(at) : 0;
  }

  /** The greatest item that is not above the given one. */
  floor(item: T): T | undefined {
    if (this.items === 0) return undefined;
    const c = this.findChunk(item);
    const chunk = this.chunkAt(c);
    const at = chunk.find(item, this.compare);
    if (at < chunk.items.length && this.compare(chunk.items[at]!, item) === 0) return chunk.items[at];
    if (at > 0) return chunk.items[at - 1];
    if (c === 0) return undefined;
    const { items } = this.chunkAt(c - 1);
    return items[items.length - 1];
  }

  /** The item of a rank, from 0 to {@link total} - 1. */
  at(rank: number): T {
    return rank < this.occurrences / 2 ? this.fromFirst(rank) : this.fromLast(this.occurrences - 1 - rank);
  }

  /** The first items, each as often as it is there, at most so many. */
  firstItems(limit: number): T[] {
    const taken: T[] = [];
    for (let c = 0; c < this.chunkCount && taken.length < limit; c++) {
      const chunk = this.chunkAt(c);
      for (let i = 0; i < chunk.items.length && taken.length < limit; i++)
        for (let n = chunk.countAt(i); n > 0 && taken.length < limit; n--) taken.push(chunk.items[i]!);
    }
    return taken;
  }

  /** The last items from the last on, each as often as it is there, at most so many. */
  lastItems(limit: number): T[] {
    const taken: T[] = [];
    for (let c = this.chunkCount - 1; c >= 0 && taken.length < limit; c--) {
      const chunk = this.chunkAt(c);
      for (let i = chunk.items.length - 1; i >= 0 && taken.length < limit; i--)
        for (let n = chunk.countAt(i); n > 0 && taken.length < limit; n--) taken.push(chunk.items[i]!);
    }
    return taken;
  }

  /** In order. The multiset must not change meanwhile. */
  forEach(visit: (item: T, count: number) => void): void {
    for (let c = 0; c < this.chunkCount; c++) {
      const chunk = this.chunkAt(c);
      for (let i = 0; i < chunk.items.length; i++) visit(chunk.items[i]!, chunk.countAt(i));
    }
  }

  addAll(other: SortedMultiset<T>): void {
    if (this.items === 0) this.copyFrom(other);
    else
      for (let c = 0; c < other.chunkCount; c++) {
        const chunk = other.chunkAt(c);
        for (let i = 0; i < chunk.items.length; i++) this.add(chunk.items[i]!, chunk.countAt(i));
      }
  }

  /** Takes away what {@link addAll} added. */
  removeAll(other: SortedMultiset<T>): void {
    if (this.occurrences === other.occurrences) this.clear();
    else
      for (let c = 0; c < other.chunkCount; c++) {
        const chunk = other.chunkAt(c);
        for (let i = 0; i < chunk.items.length; i++) this.remove(chunk.items[i]!, chunk.countAt(i));
      }
  }

  clear(): void {
    this.single = null;
    this.chunks = null;
    this.items = 0;
    this.occurrences = 0;
  }

  private get chunkCount(): number {
    return this.chunks !== null ? this.chunks.length : this.single === null ? 0 : 1;
  }

  private chunkAt(c: number): Chunk<T> {
    return this.chunks === null ? this.single! : this.chunks[c]!;
  }

  /** The first chunk whose last item is not below, or the last chunk. */
  private findChunk(item: T): number {
    const { chunks, compare } = this;
    if (chunks === null) return 0;
    let low = 0;
    let high = chunks.length - 1;
    // Most of a stream is newest or largest: look at the last chunk first.
    if (high > 0) {
      const { items } = chunks[high - 1]!;
      if (compare(items[items.length - 1]!, item) < 0) return high;
    }
    while (low < high) {
      const middle = (low + high) >>> 1;
      const { items } = chunks[middle]!;
      if (compare(items[items.length - 1]!, item) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private insertFull(c: number, at: number, item: T, count: number): void {
    if (this.chunks === null) {
      this.chunks = [this.single!];
      this.single = null;
    }
    const chunk = this.chunks[c]!;
    if (c === this.chunks.length - 1 && at === chunk.items.length) {
      // A stream that only appends leaves full chunks behind.
      this.chunks.push(new Chunk([item], count === 1 ? null : [count], count));
      return;
    }
    const upper = chunk.split();
    this.chunks.splice(c + 1, 0, upper);
    if (at <= chunk.items.length) chunk.insertAt(at, item, count);
    else upper.insertAt(at - chunk.items.length, item, count);
  }

  private removeAt(c: number, at: number, count: number): void {
    const chunk = this.chunkAt(c);
    this.occurrences -= count;
    if (!chunk.removeAt(at, count)) return;
    if (--this.items === 0) this.clear();
    else if (this.chunks !== null && chunk.items.length < chunkMinimum) this.join(this.chunks, c);
  }

  /** Joins a small chunk with the next or the one before, where both have room in one. */
  private join(chunks: Chunk<T>[], c: number): void {
    const { length } = chunks[c]!.items;
    if (length === 0) {
      chunks.splice(c, 1);
    } else if (c + 1 < chunks.length && length + chunks[c + 1]!.items.length <= chunkLimit / 2) {
      chunks[c]!.append(chunks[c + 1]!);
      chunks.splice(c + 1, 1);
    } else if (c > 0 && length + chunks[c - 1]!.items.length <= chunkLimit / 2) {
      chunks[c - 1]!.append(chunks[c]!);
      chunks.splice(c, 1);
    }
  }

  private copyFrom(other: SortedMultiset<T>): void {
    this.single = other.single === null ? null : other.single.copy();
    this.chunks = other.chunks === null ? null : other.chunks.map((chunk) => chunk.copy());
    this.items = other.items;
    this.occurrences = other.occurrences;
  }

  private fromFirst(rank: number): T {
    let rest = rank;
    let c = 0;
    while (rest >= this.chunkAt(c).total) rest -= this.chunkAt(c++).total;
    const chunk = this.chunkAt(c);
    if (chunk.counts === null) return chunk.items[rest]!;
    let i = 0;
    while (rest >= chunk.counts[i]!) rest -= chunk.counts[i++]!;
    return chunk.items[i]!;
  }

  private fromLast(rank: number): T {
    let rest = rank;
    let c = this.chunkCount - 1;
    while (rest >= this.chunkAt(c).total) rest -= this.chunkAt(c--).total;
    const chunk = this.chunkAt(c);
    let i = chunk.items.length - 1;
    if (chunk.counts === null) return chunk.items[i - rest]!;
    while (rest >= chunk.counts[i]!) rest -= chunk.counts[i--]!;
    return chunk.items[i]!;
  }
}
