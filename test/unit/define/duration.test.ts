import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseDuration_us } from '../../../src/define/duration.ts';

test.each([
  ['0s', 0],
  ['250ms', 250_000],
  ['5s', 5_000_000],
  ['15m', 900_000_000],
  ['1h', 3_600_000_000],
  ['7d', 604_800_000_000],
  ['007s', 7_000_000],
])('%s is %d microseconds', (text, us) => {
  expect(parseDuration_us(text)).toBe(us);
});

test.each(['', '5', 's', '5 s', ' 5s', '5s\n', '-5s', '+5s', '1.5h', '1e3s', '5S', '5us', '5w', '5m30s', '٥s'])(
  '"%s" is refused with how to write it',
  (text) => {
    expect(() => parseDuration_us(text)).toThrow(RangeError);
    expect(() => parseDuration_us(text)).toThrow(
      `"${text}" is not a duration; write a whole number and ms, s, m, h or d, such as '5m'`,
    );
  },
);

test('a duration is as many of its unit as it says', () => {
  const units = { ms: 1e3, s: 1e6, m: 60e6, h: 3600e6, d: 86_400e6 };
  const unit = fc.constantFrom(...Object.entries(units));
  fc.assert(
    fc.property(fc.nat(10_000), unit, (n, [name, us]) => {
      expect(parseDuration_us(`${n}${name}`)).toBe(n * us);
    }),
  );
});
