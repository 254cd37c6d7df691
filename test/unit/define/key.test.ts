import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { keyOf, parseKey, parseTemplate, renderKey, type KeyField } from '../../../src/define/key.ts';

const fields: readonly KeyField[] = [
  { name: 'id', kind: 'int64' },
  { name: 'shop', kind: 'int32' },
  { name: 'name', kind: 'text' },
];

const int64 = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.constantFrom(0n, -1n, -(2n ** 63n), 2n ** 63n - 1n, 2n ** 53n + 1n),
);
const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
/** Any text that a database can hold: no lone surrogates. */
const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom(':', '/', '%', '{', '}', ' ') }),
);
const row = fc.tuple(int64, int32, anyText);

test('a key is read back as it was', () => {
  fc.assert(
    fc.property(row, (values) => {
      expect(parseKey(keyOf(values, [0, 1, 2])!, fields)).toEqual(values);
    }),
  );
});

test('a key of one text is read back as it was', () => {
  fc.assert(
    fc.property(anyText, (value) => {
      expect(parseKey(keyOf([value], [0])!, [fields[2]!])).toEqual([value]);
    }),
  );
});

test('a key is made of characters that need no escape in a URL or a Redis key', () => {
  fc.assert(
    fc.property(row, (values) => {
      expect(keyOf(values, [0, 1, 2])).toMatch(/^[A-Za-z0-9_.~!*'()%-]*(:[A-Za-z0-9_.~!*'()%-]*){2}$/);
    }),
  );
});

test.each([
  ['a:b', 'a%3Ab'],
  ['a/b', 'a%2Fb'],
  ['100%', '100%25'],
  ['a b', 'a%20b'],
  ['{x}', '%7Bx%7D'],
  ['né 🦊', 'n%C3%A9%20%F0%9F%A6%8A'],
  ['a-b_c.d~e', 'a-b_c.d~e'],
  ['', ''],
])('the text "%s" is the key %s', (value, key) => {
  expect(keyOf([value], [0])).toBe(key);
});

test('integers of 64 bits keep every digit', () => {
  expect(keyOf([9223372036854775807n, -9223372036854775808n], [0, 1])).toBe('9223372036854775807:-9223372036854775808');
});

test('the parts stand in the order of the key, not of the columns', () => {
  expect(keyOf(['a', 'b', 'c'], [2, 0])).toBe('c:a');
});

test('a row with a null in its key belongs to none', () => {
  expect(keyOf([1n, null], [0, 1])).toBeNull();
  expect(keyOf([null], [0])).toBeNull();
});

test('a template puts each part at its place, still encoded', () => {
  const template = parseTemplate('u:{name}/{id}@{shop}!{id}', fields);
  expect(renderKey(template, keyOf([5n, -3, 'a:b/c%d'], [0, 1, 2])!)).toBe('u:a%3Ab%2Fc%25d/5@-3!5');
});

test('a template of the key alone adds nothing', () => {
  expect(renderKey(parseTemplate('{id}', [fields[0]!]), '42')).toBe('42');
});

test('keys that differ are stored under names that differ', () => {
  const template = parseTemplate('v:{id}:{shop}:{name}', fields);
  const stored = (values: readonly (bigint | number | string)[]): string =>
    renderKey(template, keyOf(values, [0, 1, 2])!);
  fc.assert(
    fc.property(row, row, (a, b) => {
      expect(stored(a) === stored(b)).toBe(a.every((part, i) => part === b[i]));
    }),
  );
});

test.each([
  ['v:{id}:{nope}', '{nope} is not a field of the entity key'],
  ['v:{id}:{}', '{} is not a field of the entity key'],
  ['v:{id}:{name}', 'the key field {shop} does not occur in "v:{id}:{name}"'],
  ['v', 'the key field {id} does not occur in "v"'],
])('the template %s is refused', (template, message) => {
  expect(() => parseTemplate(template, fields)).toThrow(new RangeError(message));
});
