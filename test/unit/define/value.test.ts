import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Value, ValueType } from '../../../src/define/column.ts';
import { literalValue } from '../../../src/define/literal.ts';
import {
  formatDecimal,
  formatTimestamp,
  formatValue,
  infinity_us,
  minusInfinity_us,
  parseDecimal,
  readableValue,
} from '../../../src/define/value.ts';

const year0_us = BigInt(Date.UTC(2000, 0, 1)) * 1000n - 63_113_904_000_000_000n;
const year9999_us = BigInt(Date.UTC(9999, 11, 31, 23, 59, 59)) * 1000n + 999_999n;

test('a timestamp is read back to the microsecond', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: year0_us, max: year9999_us }), (us) => {
      expect(literalValue(formatTimestamp(us), { kind: 'timestamptz' })).toBe(us);
    }),
  );
});

test('timestamps of four-digit years sort as their texts do', () => {
  const time = fc.bigInt({ min: year0_us, max: year9999_us });
  fc.assert(
    fc.property(time, time, (a, b) => {
      expect(formatTimestamp(a) < formatTimestamp(b)).toBe(a < b);
    }),
  );
});

test.each([
  [0n, '1970-01-01T00:00:00.000000Z'],
  [-1n, '1969-12-31T23:59:59.999999Z'],
  [-1000n, '1969-12-31T23:59:59.999000Z'],
  [1_714_557_600_123_456n, '2024-05-01T10:00:00.123456Z'],
  [8_640_000_000_000_000_000n, '+275760-09-13T00:00:00.000000Z'],
  [8_640_000_000_000_000_001n, 'infinity'],
  [-8_640_000_000_000_000_001n, '-infinity'],
  [infinity_us, 'infinity'],
  [minusInfinity_us, '-infinity'],
])('%d µs is %s', (us, text) => {
  expect(formatTimestamp(us)).toBe(text);
});

test('a decimal is read back as it was', () => {
  fc.assert(
    fc.property(
      fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n }),
      fc.integer({ min: 0, max: 45 }),
      (unscaled, scale) => {
        const text = formatDecimal(unscaled, scale);
        expect(parseDecimal(text, scale)).toBe(unscaled);
        expect(text).toMatch(scale === 0 ? /^-?\d+$/ : new RegExp(`^-?\\d+\\.\\d{${scale}}$`));
      },
    ),
  );
});

test.each([
  ['19.99', 2, 1999n],
  ['-0.01', 2, -1n],
  ['+5', 2, 500n],
  ['.5', 2, 50n],
  ['5.', 0, 5n],
  ['1.5000', 1, 15n],
  ['00012.30', 2, 1230n],
  ['-0', 3, 0n],
])('"%s" with scale %d is %d', (text, scale, unscaled) => {
  expect(parseDecimal(text, scale)).toBe(unscaled);
});

test.each(['', '-', '.', '+.', '1e5', 'NaN', ' 1', '1 ', '1,5', '0x10', '--1', '1.2.3'])(
  '"%s" is no decimal number',
  (text) => {
    expect(() => parseDecimal(text, 2)).toThrow(new RangeError(`"${text}" is not a decimal number`));
  },
);

test('more digits than the scale has are refused, not rounded', () => {
  expect(() => parseDecimal('1.001', 2)).toThrow(new RangeError('"1.001" has more than 2 digits behind the point'));
});

const list = (kind: 'int32' | 'int64' | 'float64' | 'boolean' | 'text' | 'timestamptz' | 'date'): ValueType => {
  return { kind: 'list', element: { kind } };
};

const texts: readonly (readonly [ValueType, Value, string | null])[] = [
  [{ kind: 'int64' }, 9223372036854775807n, '9223372036854775807'],
  [{ kind: 'int32' }, -5, '-5'],
  [{ kind: 'float64' }, 0.1, '0.1'],
  [{ kind: 'float64' }, Number.NaN, 'NaN'],
  [{ kind: 'float64' }, -Infinity, '-Infinity'],
  [{ kind: 'boolean' }, false, 'false'],
  [{ kind: 'text' }, '', ''],
  [{ kind: 'decimal', precision: 30, scale: 4 }, -5n, '-0.0005'],
  [{ kind: 'decimal', precision: 30, scale: 0 }, -5n, '-5'],
  [{ kind: 'timestamp', precision: 3 }, 1n, '1970-01-01T00:00:00.000001Z'],
  [{ kind: 'timestamptz' }, infinity_us, 'infinity'],
  [{ kind: 'date' }, -1, '1969-12-31'],
  [{ kind: 'date' }, 2147483647, 'infinity'],
  [{ kind: 'date' }, -2147483648, '-infinity'],
  [{ kind: 'text' }, null, null],
  [{ kind: 'date' }, null, null],
  [list('int64'), [9223372036854775807n, -1n], '[9223372036854775807,-1]'],
  [list('int32'), [], '[]'],
  [list('float64'), [0.5, Number.NaN, Infinity, -Infinity, 1e21], '[0.5,"NaN","Infinity","-Infinity",1e+21]'],
  [list('boolean'), [true, false], '[true,false]'],
  [list('text'), ['', 'Zoë "🦊"', 'a\nb'], '["","Zoë \\"🦊\\"","a\\nb"]'],
  [{ kind: 'list', element: { kind: 'decimal', precision: 5, scale: 2 } }, [150n, -1n], '["1.50","-0.01"]'],
  [list('timestamptz'), [1n], '["1970-01-01T00:00:00.000001Z"]'],
  [list('date'), [-1], '["1969-12-31"]'],
  [list('text'), null, null],
];

test.each(texts)('as stored online, a %o of %s is %s', (type, value, text) => {
  expect(formatValue(type, value)).toBe(text);
});

test('lists are read as arrays of what their elements are read as', () => {
  expect(readableValue(list('int64'), [1n])).toEqual([1n]);
  expect(readableValue(list('date'), [0])).toEqual(['1970-01-01']);
  expect(readableValue(list('date'), null)).toBeNull();
});
