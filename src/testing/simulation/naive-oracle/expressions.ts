/** Conditions and values over a row, with SQL's nulls. */
import { compare } from './order.ts';
import type { Cell, ExpressionSpec, OracleRow } from './spec.ts';

export function evaluate(expression: ExpressionSpec, row: OracleRow): Cell {
  switch (expression.op) {
    case 'column':
      return row[expression.name] ?? null;
    case 'literal':
      return expression.value;
    case 'and':
    case 'or': {
      const terms = expression.terms.map((term) => evaluate(term, row));
      const decisive = expression.op === 'or';
      if (terms.includes(decisive)) return decisive;
      return terms.includes(null) ? null : !decisive;
    }
    case 'not': {
      const term = evaluate(expression.term, row);
      return term === null ? null : term === false;
    }
    case 'isNull':
      return evaluate(expression.term, row) === null;
    default: {
      const [left, right] = [evaluate(expression.left, row), evaluate(expression.right, row)];
      if (left === null || right === null) return null;
      const order = compare(left, right);
      const { op } = expression;
      if (op === 'eq' || op === 'ne') return (order === 0) === (op === 'eq');
      if (op === 'lt' || op === 'ge') return order < 0 === (op === 'lt');
      return order > 0 === (op === 'gt');
    }
  }
}
