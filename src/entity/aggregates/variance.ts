import { divide, rootOfQuotient } from './exact-division.ts';

/** Exact sums of values that are whole numbers of units. */
interface Moments {
  readonly values: number;
  readonly sum: bigint;
  readonly squares: bigint;
  /** The unit is 2^exponent. */
  readonly exponent: number;
}

/** What of it is asked for. */
export interface Spread {
  readonly function: 'variance' | 'stddev';
  readonly population: boolean;
}

/**
 * (n·Σx² − (Σx)²) / (n·(n − 1)), for a population / n², or its square root: the nearest double to that. Nothing cancels, as nothing was
 * rounded before. Null where it is not defined: of nothing, and of a single value as a sample.
 * @param scale digits behind the point of the values.
 */
export function spreadOf({ values, sum, squares, exponent }: Moments, spread: Spread, scale: number): number | null {
  const divisor = spread.population ? values : values - 1;
  if (divisor <= 0) return null;
  const count = BigInt(values);
  const shift = BigInt(2 * Math.abs(exponent));
  let numerator = count * squares - sum * sum;
  let denominator = count * BigInt(divisor);
  if (scale > 0) denominator *= 100n ** BigInt(scale);
  if (exponent < 0) denominator <<= shift;
  else numerator <<= shift;
  return spread.function === 'variance' ? divide(numerator, denominator) : rootOfQuotient(numerator, denominator);
}
