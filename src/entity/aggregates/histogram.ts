import type { Scalar, Value } from '../../define/column.ts';
import { compareValues } from '../../define/compare.ts';
import type { ByteReader, ByteWriter } from '../../frames/bytes.ts';
import type { Aggregate, PaneChanges, RowOrder } from './aggregate.ts';

/** How many values are below the first bound, from each bound to below the next, and from the last on. */
export class Histogram implements Aggregate {
  /** Ascending. */
  private readonly bounds: readonly Scalar[];
  private values = 0;
  /** One more than bounds; null until there is a value. */
  private counts: number[] | null = null;

  constructor(bounds: readonly Scalar[]) {
    this.bounds = bounds;
  }

  get isEmpty(): boolean {
    return this.values === 0;
  }

  insert(value: Value, at: RowOrder, changes: PaneChanges | null): void {
    if (value === null) return;
    this.values++;
    this.obtainCounts()[this.bucketOf(value as Scalar)]!++;
    changes?.insert(value, at);
  }

  retract(value: Value, at: RowOrder, changes: PaneChanges | null): boolean {
    if (value === null) return true;
    const bucket = this.bucketOf(value as Scalar);
    if (this.counts === null || this.counts[bucket] === 0) return false;
    this.values--;
    this.counts[bucket]!--;
    changes?.retract(value, at);
    return true;
  }

  add(pane: Histogram): void {
    if (pane.counts === null) return;
    const counts = this.obtainCounts();
    for (let i = 0; i < counts.length; i++) counts[i]! += pane.counts[i]!;
    this.values += pane.values;
  }

  subtract(pane: Histogram): void {
    if (pane.counts === null) return;
    const counts = this.obtainCounts();
    for (let i = 0; i < counts.length; i++) counts[i]! -= pane.counts[i]!;
    this.values -= pane.values;
  }

  write(out: ByteWriter): void {
    out.varint(this.values);
    if (this.values > 0) for (const count of this.counts!) out.varint(count);
  }

  read(from: ByteReader): void {
    this.values = from.varint();
    if (this.values === 0) return;
    const counts = this.obtainCounts();
    for (let i = 0; i < counts.length; i++) counts[i] = from.varint();
  }

  histogram(): bigint[] {
    return this.values === 0 ? [] : this.counts!.map(BigInt);
  }

  private obtainCounts(): number[] {
    return (this.counts ??= new Array<number>(this.bounds.length + 1).fill(0));
  }

  /** How many bounds are not above. */
  private bucketOf(value: Scalar): number {
    const { bounds } = this;
    let low = 0;
    let high = bounds.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareValues(bounds[middle]!, value) <= 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
