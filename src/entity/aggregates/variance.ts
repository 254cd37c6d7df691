import { divide } from './exact-division.ts';

/**
 * The variance from exact sums, the nearest double to (n·Σx² − (Σx)²) / (n·(n − 1)), for a population / n². Nothing cancels, as
 * nothing was rounded before. Null where it is not defined: of nothing, and for a sample of a single value.
 * @param sum and squares times 2^exponent and 2^(2·exponent).
 * @param scale digits behind the point of what was summed.
 */
export function variance(
  values: number,
  sum: bigint,
  squares: bigint,
  exponent: number,
  scale: number,
  population: boolean,
): number | null {
  const divisor = population ? values : values - 1;
  if (divisor <= 0) return null;
  const count = BigInt(values);
  const numerator = count * squares - sum * sum;
  const denominator = count * BigInt(divisor) * 100n ** BigInt(scale);
  return exponent < 0
    ? divide(numerator, denominator << BigInt(-2 * exponent))
    : divide(numerator << BigInt(2 * exponent), denominator);
}
