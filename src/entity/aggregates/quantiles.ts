import type { ColumnType, Scalar, Value } from '../../define/column.ts';
import type { ByteReader, ByteWriter } from '../../frames/bytes.ts';
import type { Aggregate, PaneChanges, RowOrder } from './aggregate.ts';
import type { BucketMapping } from './bucket-mapping.ts';
import { divide } from './exact-division.ts';
import { readNumbers, readMultiset, writeNumbers, writeMultiset } from './multiset-codec.ts';
import { SortedMultiset } from './sorted-multiset.ts';

/** Ascending, NaN last. */
function compareDoubles(a: number, b: number): number {
  if (a < b) return -1;
  if (a > b) return 1;
  return a === b ? 0 : Number(a !== a) - Number(b !== b);
}

/** Beyond how many distinct values a pane becomes a sketch, and how many buckets that may have. */
interface SketchLimits {
  readonly exact: number;
  readonly buckets: number;
}

/**
 * Values as doubles, in their order, each as often as it is there. When a pane has more distinct ones than its exact limit, each is
 * replaced by what stands for its bucket of {@link BucketMapping}, in the pane and in its windows, and so is each that comes or is taken
 * back later: counts stay exact, only the places are rounded. It stays so until the pane is empty, as nobody can tell what the values
 * were; so that, unlike anything else, it depends on the past and not on what is there. A sketch that has as many buckets as it may refuses new ones.
 */
export class Quantiles implements Aggregate {
  private readonly type: ColumnType;
  private readonly limits: SketchLimits;
  private readonly mapping: BucketMapping;
  private readonly values = new SortedMultiset<number>(compareDoubles);
  private isSketch = false;

  constructor(type: ColumnType, limits: SketchLimits, mapping: BucketMapping) {
    this.type = type;
    this.limits = limits;
    this.mapping = mapping;
  }

  get isEmpty(): boolean {
    return this.values.total === 0;
  }

  insert(value: Value, at: RowOrder, changes: PaneChanges | null): void {
    if (value === null) return;
    const { values, limits } = this;
    let double = this.placeOf(value as Scalar);
    if (!this.isSketch && values.distinct >= limits.exact && values.count(double) === 0) {
      this.becomeSketch(at, changes);
      double = this.placeOf(double);
    }
    if (values.distinct >= limits.buckets && values.count(double) === 0) {
      changes?.overflow();
      return;
    }
    values.add(double);
    changes?.insert(double, at);
  }

  retract(value: Value, at: RowOrder, changes: PaneChanges | null): boolean {
    if (value === null) return true;
    const double = this.placeOf(value as Scalar);
    if (this.values.remove(double) === 0) return false;
    if (this.values.total === 0) this.isSketch = false;
    changes?.retract(double, at);
    return true;
  }

  add(pane: Quantiles): void {
    this.values.addAll(pane.values);
  }

  subtract(pane: Quantiles): void {
    this.values.removeAll(pane.values);
  }

  write(out: ByteWriter): void {
    out.u8(this.isSketch ? 1 : 0);
    if (this.isSketch)
      writeNumbers(
        out,
        this.mapped(this.values, (value) => this.mapping.bucketOf(value)),
      );
    else writeMultiset(out, this.values, (value) => out.f64(value));
  }

  read(from: ByteReader): void {
    this.isSketch = from.u8() === 1;
    if (!this.isSketch) {
      readMultiset(from, this.values, () => from.f64());
      return;
    }
    const buckets = new SortedMultiset(compareDoubles);
    readNumbers(from, buckets);
    this.values.addAll(this.mapped(buckets, (bucket) => this.mapping.representativeOf(bucket)));
  }

  /** The value of nearest rank: the smallest that at least this fraction of all values do not exceed. */
  percentile(fraction: number): number | null {
    const { total } = this.values;
    return total === 0 ? null : this.values.at(Math.max(1, Math.ceil(fraction * total)) - 1);
  }

  private mapped(values: SortedMultiset<number>, map: (value: number) => number): SortedMultiset<number> {
    const images = new SortedMultiset(compareDoubles);
    values.forEach((value, count) => images.add(map(value), count));
    return images;
  }

  /** Where a value is counted. The order is kept, so that rounding the value of a rank is the rank among rounded values. */
  private placeOf(value: Scalar): number {
    const double = toDouble(value, this.type);
    return this.isSketch ? this.mapping.representativeOf(this.mapping.bucketOf(double)) : double;
  }

  private becomeSketch(at: RowOrder, changes: PaneChanges | null): void {
    const exact = new SortedMultiset(compareDoubles);
    exact.addAll(this.values);
    this.values.clear();
    this.isSketch = true;
    exact.forEach((value, count) => {
      const place = this.placeOf(value);
      this.values.add(place, count);
      for (let rest = count; rest > 0 && place !== value; rest--) {
        changes?.retract(value, at);
        changes?.insert(place, at);
      }
    });
  }
}

/** The nearest double. -0 is 0. */
function toDouble(value: Scalar, type: ColumnType): number {
  if (typeof value !== 'bigint') return (value as number) + 0;
  return type.kind === 'decimal' && type.scale > 0 ? divide(value, 10n ** BigInt(type.scale)) : Number(value);
}
