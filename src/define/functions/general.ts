/** Functions over values of any kind. */
import { describeType, type ColumnType, type Value } from '../column.ts';
import { formatValue } from '../value.ts';
import { checkNumeric } from './arithmetic.ts';
import { checkComputable } from './conversion.ts';
import { strict, unify, type ScalarFunction, type Signature } from './signature.ts';

const coalesce: ScalarFunction = (terms) => {
  const type = unify(
    terms.map((term) => term.type),
    'is not alternative to',
  );
  const compile: Signature['compile'] = (values) => (row) => {
    for (const value of values) {
      const found = value(row);
      if (found !== null) return found;
    }
    return null;
  };
  return { parameters: terms.map(() => type), type, compile, sql: (values) => `coalesce(${values.join(', ')})` };
};

const inList: ScalarFunction = ([value, ...list]) => {
  const { type } = value!;
  if (type === null) throw new RangeError('inList looks for a literal; name a column');
  const compile: Signature['compile'] = ([term, ...literals]) => {
    const members = new Set(literals.map((literal) => literal([])));
    return (row) => {
      const found = term!(row);
      return found === null ? null : members.has(found);
    };
  };
  const sql = ([term, ...literals]: readonly string[]): string =>
    literals.length === 0 ? `(${term} <> ${term})` : `(${term} IN (${literals.join(', ')}))`;
  return { parameters: [type, ...list.map(() => type)], type: { kind: 'boolean' }, compile, sql };
};

const toFloat64: ScalarFunction = ([value]) => {
  const { type } = value!;
  if (type === null) throw new RangeError('toFloat64 of a literal; write the number itself');
  checkNumeric(type, 'toFloat64');
  checkComputable(type);
  const float64: ColumnType = { kind: 'float64' };
  return { parameters: [float64], type: float64, compile: ([term]) => term!, sql: ([term]) => term! };
};

const toText: ScalarFunction = ([value]) => {
  const { type } = value!;
  if (type === null) throw new RangeError('toText of a literal; write the text itself');
  if (type.kind === 'float64')
    throw new RangeError(`toText takes no ${describeType(type)}: its text is not the same everywhere`);
  checkComputable(type);
  const isTime = type.kind === 'timestamp' || type.kind === 'timestamptz';
  return {
    parameters: [type],
    type: { kind: 'text' },
    compile: strict((found: NonNullable<Value>) => formatValue(type, found)),
    sql: ([term]) => (isTime ? isoText(term!) : `CAST(${term} AS VARCHAR)`),
  };
};

const isoText = (term: string): string =>
  `CASE WHEN isinf(${term}) THEN CAST(${term} AS VARCHAR) ELSE strftime(${term}, '%Y-%m-%dT%H:%M:%S.%fZ') END`;

export const generalFunctions: Readonly<Record<string, ScalarFunction>> = { coalesce, inList, toFloat64, toText };
