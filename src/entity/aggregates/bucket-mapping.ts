const scratch = new DataView(new ArrayBuffer(8));

/** The smallest double that is not subnormal. */
const smallestNormal = 2 ** -1022;
/** How many powers of two are doubles, subnormal ones aside. */
const binades = 2046;

/**
 * The buckets of DDSketch (Masson, Rim, Lee, "DDSketch: A Fast and Fully-Mergeable Quantile Sketch with Relative-Error Guarantees",
 * VLDB 2019): whatever is in a bucket is within `accuracy` of its representative, relative to itself. The logarithm is interpolated
 * linearly between powers of two, as the authors' own libraries offer, so that equal steps of it are buckets that are at most as wide:
 * it takes half as many buckets again, and no function whose last bit a processor may choose. Infinities and NaN are buckets of their
 * own; subnormal numbers are in that of 0.
 */
export class BucketMapping {
  /** Of a bucket, in powers of two: 2^width is at most γ. */
  private readonly width: number;
  private readonly infinite: number;

  constructor(accuracy: number) {
    this.width = (2 * accuracy) / (1 - accuracy);
    this.infinite = Math.floor(binades / this.width) + 2;
  }

  /** The bucket of a value: 0 for 0, and in the order of values. */
  bucketOf(value: number): number {
    if (value !== value) return this.infinite + 1;
    if (Math.abs(value) < smallestNormal) return 0;
    if (value < 0) return -this.bucketOf(-value);
    if (value === Infinity) return this.infinite;
    return Math.floor(logarithm(value) / this.width) + 1;
  }

  /** The value that stands for all of a bucket: the harmonic mean of its bounds. */
  representativeOf(bucket: number): number {
    if (bucket < 0) return -this.representativeOf(-bucket);
    if (bucket === 0) return 0;
    if (bucket >= this.infinite) return bucket === this.infinite ? Infinity : Number.NaN;
    const low = power((bucket - 1) * this.width);
    const high = power(bucket * this.width);
    return low * (2 / (1 + low / high));
  }
}

/** Of a positive normal number: the exponent, from 0 on, and how far it is from that power of two to the next. */
function logarithm(value: number): number {
  scratch.setFloat64(0, value);
  const head = scratch.getUint32(0);
  return (head >>> 20) - 1 + ((head & 0xfffff) * 2 ** 32 + scratch.getUint32(4)) * 2 ** -52;
}

/** What has that logarithm. */
function power(logarithm: number): number {
  const exponent = Math.floor(logarithm);
  if (exponent >= binades) return Number.MAX_VALUE;
  scratch.setUint32(0, (exponent + 1) << 20);
  scratch.setUint32(4, 0);
  return scratch.getFloat64(0) * (1 + (logarithm - exponent));
}
