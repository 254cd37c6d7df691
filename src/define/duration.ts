/** A length of time as people write it: `'250ms'`, `'5s'`, `'15m'`, `'1h'`, `'7d'`. */
export type Duration = `${bigint}${'ms' | 's' | 'm' | 'h' | 'd'}`;

const unit_us: Readonly<Record<string, number>> = {
  ms: 1_000,
  s: 1_000_000,
  m: 60_000_000,
  h: 3_600_000_000,
  d: 86_400_000_000,
};

/**
 * The duration in microseconds.
 * @throws RangeError when the text is not a whole, non-negative number and a unit.
 * @example parseDuration_us('5m') // 300_000_000
 */
export function parseDuration_us(text: string): number {
  const match = /^(\d+)(ms|s|m|h|d)$/.exec(text);
  const unit = unit_us[match?.[2] ?? ''];
  if (match === null || unit === undefined) {
    throw new RangeError(`"${text}" is not a duration; write a whole number and ms, s, m, h or d, such as '5m'`);
  }
  const duration_us = Number(match[1]) * unit;
  if (!Number.isSafeInteger(duration_us))
    throw new RangeError(`"${text}" is longer than time is counted here: 285 years`);
  return duration_us;
}
