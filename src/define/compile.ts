/** Expression trees → functions over rows, and their SQL. */
import { compareValues } from './compare.ts';
import { describeType, type ColumnType, type Value, type ValueType } from './column.ts';
import type { CaseBranch, Comparison, CustomNode, ExpressionNode } from './expression.ts';
import { arithmeticFunctions } from './functions/arithmetic.ts';
import { conversion } from './functions/conversion.ts';
import { generalFunctions } from './functions/general.ts';
import { unify, type Evaluate, type ScalarFunction } from './functions/signature.ts';
import { quoteName, sqlLiteral } from './functions/sql-text.ts';
import { textFunctions } from './functions/text.ts';
import { timeFunctions } from './functions/time.ts';
import { literalValue, type LiteralValue } from './literal.ts';
import type { Row } from './plan.ts';
import { readableValue } from './value.ts';

/** A tree that is ready: null where SQL is not possible. */
export interface Compiled {
  readonly type: ColumnType;
  readonly evaluate: Evaluate;
  readonly sql: string | null;
}

/** What a tree may read, in the order of its rows' values. */
export interface Scope {
  readonly of: 'table' | 'view';
  readonly columns: readonly { readonly name: string; readonly type: ValueType }[];
}

const catalogue: Readonly<Record<string, ScalarFunction>> = {
  ...arithmeticFunctions,
  ...generalFunctions,
  ...textFunctions,
  ...timeFunctions,
};

/**
 * @throws RangeError when a column does not exist or types do not fit; the message is the fault without its path. A literal alone has
 * no type.
 */
export function compile(node: ExpressionNode, scope: Scope): Compiled {
  switch (node.op) {
    case 'column':
    case 'feature':
      return asScalar(read(node, scope), node.name);
    case 'literal': {
      const type = node.type ?? naturalType(node.value);
      if (type === null)
        throw new RangeError('the type of literals alone is not known; write one as literal(int64(), 5)');
      return literal(node.value, type);
    }
    case 'and':
    case 'or':
      return connective(
        node.op,
        node.terms.map((term) => condition(term, scope)),
      );
    case 'not': {
      const term = condition(node.term, scope);
      return { type: boolean, evaluate: negation(term.evaluate), sql: sqlOf([term], ([sql]) => `(NOT ${sql})`) };
    }
    case 'isNull': {
      const { term } = node;
      const { evaluate, sql } =
        term.op === 'column' || term.op === 'feature' ? read(term, scope) : compile(term, scope);
      return {
        type: boolean,
        evaluate: (row) => evaluate(row) === null,
        sql: sql === null ? null : `(${sql} IS NULL)`,
      };
    }
    case 'call':
      return call(node.function, node.arguments, scope);
    case 'case':
      return caseWhen(node.branches, node.otherwise, scope);
    case 'custom':
      return custom(node, scope);
    default:
      return comparison(node.op, [node.left, node.right], scope);
  }
}

const boolean: ColumnType = { kind: 'boolean' };

type Read = Omit<Compiled, 'type'> & { readonly type: ValueType };

function read(node: Extract<ExpressionNode, { op: 'column' | 'feature' }>, { of, columns }: Scope): Read {
  const { name } = node;
  if (node.op === 'feature' && of === 'table') throw new RangeError(`reads the feature "${name}"; only derive can`);
  if (node.op === 'column' && of === 'view')
    throw new RangeError(`reads the column "${name}"; derive reads features only`);
  const index = columns.findIndex((column) => column.name === name);
  if (index === -1) {
    const names = columns.map((column) => column.name).join(', ');
    const [what, whole] = of === 'table' ? ['column', 'table declares'] : ['feature', 'view has'];
    throw new RangeError(`no ${what} "${name}"; the ${whole} ${names}`);
  }
  return { type: columns[index]!.type, evaluate: (row) => row[index]!, sql: quoteName(name) };
}

function asScalar({ type, evaluate, sql }: Read, name: string): Compiled {
  if (type.kind === 'list') throw new RangeError(`"${name}" is a ${describeType(type)}; lists cannot be computed with`);
  return { type, evaluate, sql };
}

/** Of what needs no more to be known. */
function naturalType(value: LiteralValue): ColumnType | null {
  return typeof value === 'boolean' ? boolean : null;
}

function literal(value: LiteralValue, type: ColumnType): Compiled {
  const constant = literalValue(value, type);
  return { type, evaluate: () => constant, sql: sqlLiteral(constant, type) };
}

function sqlOf(terms: readonly Compiled[], join: (sql: readonly string[]) => string): string | null {
  const sql = terms.flatMap((term) => term.sql ?? []);
  return sql.length === terms.length ? join(sql) : null;
}

function condition(node: ExpressionNode, scope: Scope): Compiled {
  const compiled = node.op === 'literal' && typeof node.value !== 'boolean' ? null : compile(node, scope);
  if (compiled?.type.kind === 'boolean') return compiled;
  const given = compiled === null ? typeof (node as { value: unknown }).value : describeType(compiled.type);
  throw new RangeError(`a term of and, or, not is ${given}, not a condition`);
}

/** SQL's three values: the deciding value wins, else null if any term is null. */
function connective(op: 'and' | 'or', terms: readonly Compiled[]): Compiled {
  const decisive = op === 'or';
  const evaluate: Evaluate = (row) => {
    let result: Value = !decisive;
    for (const term of terms) {
      const value = term.evaluate(row);
      if (value === decisive) return decisive;
      if (value === null) result = null;
    }
    return result;
  };
  const join = (sql: readonly string[]): string => {
    return sql.length === 0 ? sqlLiteral(!decisive, boolean) : `(${sql.join(decisive ? ' OR ' : ' AND ')})`;
  };
  return { type: boolean, evaluate, sql: sqlOf(terms, join) };
}

function negation(term: Evaluate): Evaluate {
  return (row) => {
    const value = term(row);
    return value === null ? null : !(value as boolean);
  };
}

/** A term that may be a bare literal: then it waits for a type. */
type Pending = Compiled | { readonly type: null; readonly literal: LiteralValue };

function pending(node: ExpressionNode, scope: Scope): Pending {
  if (node.op === 'literal' && node.type === undefined) return { type: null, literal: node.value };
  return compile(node, scope);
}

/** @throws RangeError when it is of another type that cannot become this one. */
function settle(term: Pending, type: ColumnType): Compiled {
  if (term.type === null) return literal(term.literal, type);
  const { run, sql } = conversion(term.type, type);
  const { evaluate } = term;
  const converted: Evaluate = (row) => {
    const value = evaluate(row);
    return value === null ? null : run!(value);
  };
  const text = sqlOf([term], ([inner]) => sql(inner!));
  return { type, evaluate: run === null ? evaluate : converted, sql: text };
}

function call(name: string, nodes: readonly ExpressionNode[], scope: Scope): Compiled {
  const known = Object.hasOwn(catalogue, name) ? catalogue[name]! : null;
  if (known === null) throw new RangeError(`there is no function "${name}"`);
  const terms = nodes.map((node) => pending(node, scope));
  const signature = known(
    terms.map((term) => ({ type: term.type, literal: term.type === null ? term.literal : null })),
  );
  const settled = terms.map((term, i) => settle(term, signature.parameters[i]!));
  const evaluate = signature.compile(settled.map((term) => term.evaluate));
  return { type: signature.type, evaluate, sql: sqlOf(settled, signature.sql) };
}

const symbols: Readonly<Record<Comparison, string>> = { eq: '=', ne: '<>', lt: '<', le: '<=', gt: '>', ge: '>=' };

const holds: Readonly<Record<Comparison, (order: number) => boolean>> = {
  eq: (order) => order === 0,
  ne: (order) => order !== 0,
  lt: (order) => order < 0,
  le: (order) => order <= 0,
  gt: (order) => order > 0,
  ge: (order) => order >= 0,
};

function comparison(op: Comparison, nodes: readonly ExpressionNode[], scope: Scope): Compiled {
  const test = holds[op];
  const terms = nodes.map((node) => pending(node, scope));
  const type = unify(
    terms.map((term) => term.type),
    'cannot be compared with',
  );
  const settled = terms.map((term) => settle(term, type));
  const [left, right] = settled.map((term) => term.evaluate) as [Evaluate, Evaluate];
  const evaluate: Evaluate = (row) => {
    const a = left(row);
    const b = right(row);
    return a === null || b === null ? null : test(compareValues(a, b));
  };
  return { type: boolean, evaluate, sql: sqlOf(settled, ([a, b]) => `(${a} ${symbols[op]} ${b})`) };
}

function caseWhen(branches: readonly CaseBranch[], otherwise: ExpressionNode | null, scope: Scope): Compiled {
  const conditions = branches.map(({ when }) => condition(when, scope));
  const results = [...branches.map(({ then }) => then), ...(otherwise === null ? [] : [otherwise])];
  const terms = results.map((node) => pending(node, scope));
  const known = terms.map((term) => term.type);
  const type = known.some((each) => each !== null)
    ? unify(known, 'is not alternative to')
    : typeOfLiterals(terms.map((term) => (term as { literal: LiteralValue }).literal));
  const settled = terms.map((term) => settle(term, type));
  const evaluate: Evaluate = (row) => {
    for (let i = 0; i < conditions.length; i++)
      if (conditions[i]!.evaluate(row) === true) return settled[i]!.evaluate(row);
    return otherwise === null ? null : settled.at(-1)!.evaluate(row);
  };
  const sql = sqlOf([...conditions, ...settled], (parts) => {
    const n = conditions.length;
    const whens = conditions.map((_, i) => `WHEN ${parts[i]!} THEN ${parts[n + i]!}`);
    return `CASE ${whens.join(' ')} ELSE ${parts[2 * n] ?? 'NULL'} END`;
  });
  return { type, evaluate, sql };
}

/** Text, conditions, doubles, and 64-bit integers where they are written with an n. */
function typeOfLiterals(values: readonly LiteralValue[]): ColumnType {
  const kinds = { string: 'text', boolean: 'boolean', number: 'float64', bigint: 'int64' } as const;
  const types = [...new Set(values.map((value) => kinds[typeof value as keyof typeof kinds]))];
  if (types.length !== 1) throw new RangeError('alternatives of different types; write them as literal(int64(), 5)');
  return { kind: types[0]! };
}

/** Runs the function on values as their readers get them. */
function custom({ name, type, arguments: nodes, compute }: CustomNode, scope: Scope): Compiled {
  if (!/\S/.test(name)) throw new RangeError('a custom function needs a name: it stands for it in the version');
  const terms = nodes.map((node) => compile(node, scope));
  const evaluate: Evaluate = (row: Row) => {
    const values = terms.map((term) => readableValue(term.type, term.evaluate(row)));
    const result = (compute(...values) ?? null) as LiteralValue | null;
    if (result === null) return null;
    try {
      return literalValue(result, type);
    } catch (error) {
      throw new RangeError(`the custom function "${name}" gave what it may not: ${(error as Error).message}`, {
        cause: error,
      });
    }
  };
  return { type, evaluate, sql: null };
}
