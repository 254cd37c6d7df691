import { describeType, type ColumnType } from '../column.ts';
import { strict, type Argument, type ScalarFunction, type Signature } from './signature.ts';

const text: ColumnType = { kind: 'text' };
const int32: ColumnType = { kind: 'int32' };

function checkText(name: string, terms: readonly Argument[]): void {
  for (const { type, literal } of terms) {
    if (type !== null && type.kind !== 'text')
      throw new RangeError(`${name} takes text, not ${describeType(type)}; toText(…) makes it text`);
    if (type === null && typeof literal !== 'string') throw new RangeError(`${name} takes text, not ${typeof literal}`);
  }
}

function ofText(
  name: string,
  type: ColumnType,
  compute: (...texts: string[]) => string | boolean | number,
  sql: Signature['sql'],
): ScalarFunction {
  return (terms) => {
    checkText(name, terms);
    return { parameters: terms.map(() => text), type, compile: strict(compute), sql };
  };
}

/** How many code points: a half of a pair is one, as its bytes in UTF-8 are. */
function lengthOf(value: string): number {
  let length = 0;
  for (const _ of value) length++;
  return length;
}

const substring: ScalarFunction = (terms) => {
  checkText('substring', terms.slice(0, 1));
  const [start, length] = terms.slice(1).map(({ literal }) => literal) as [number, number];
  if (!(Number.isInteger(start) && start >= 1 && Number.isInteger(length) && length >= 0))
    throw new RangeError('substring takes whole numbers: the first character is 1, the length 0 or more');
  const compute = (value: string): string =>
    Array.from(value)
      .slice(start - 1, start - 1 + length)
      .join('');
  return {
    parameters: [text, int32, int32],
    type: text,
    compile: (parts) => strict(compute)(parts.slice(0, 1)),
    sql: ([value]) => `substring(${value}, ${start}, ${length})`,
  };
};

export const textFunctions: Readonly<Record<string, ScalarFunction>> = {
  lower: ofText(
    'lower',
    text,
    (value) => value.toLowerCase(),
    ([value]) => `lower(${value})`,
  ),
  upper: ofText(
    'upper',
    text,
    (value) => value.toUpperCase(),
    ([value]) => `upper(${value})`,
  ),
  trim: ofText(
    'trim',
    text,
    (value) => value.replace(/^ +/, '').replace(/ +$/, ''),
    ([value]) => `trim(${value}, ' ')`,
  ),
  length: ofText('length', int32, lengthOf, ([value]) => `CAST(length(${value}) AS INTEGER)`),
  concat: ofText(
    'concat',
    text,
    (...parts) => parts.join(''),
    (parts) => `(${parts.join(' || ')})`,
  ),
  startsWith: ofText(
    'startsWith',
    { kind: 'boolean' },
    (value, prefix) => value.startsWith(prefix),
    ([value, prefix]) => `starts_with(${value}, ${prefix})`,
  ),
  contains: ofText(
    'contains',
    { kind: 'boolean' },
    (value, part) => value.includes(part),
    ([value, part]) => `contains(${value}, ${part})`,
  ),
  substring,
};
