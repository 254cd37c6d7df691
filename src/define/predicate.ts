import type { Evaluate } from './functions/signature.ts';
import { compile } from './compile.ts';
import type { ExpressionNode } from './expression.ts';
import type { ColumnPlan } from './plan.ts';

export { compareValues } from './compare.ts';
export { literalValue } from './literal.ts';

/** @throws RangeError when a column does not exist or types do not fit; the message is the fault without its path. */
export function compileExpression(node: ExpressionNode, columns: readonly ColumnPlan[]): Evaluate {
  return compile(node, { of: 'table', columns }).evaluate;
}
