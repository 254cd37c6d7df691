import type { KeyField } from './key.ts';
import type { InputPlan, TablePlan } from './plan.ts';

/** @param table the index of the plan. */
export function inputPlan(
  input: { readonly by: Readonly<Record<string, string>> },
  table: number,
  plan: TablePlan,
  key: readonly KeyField[],
): InputPlan {
  return { table, keyColumns: key.map((field) => plan.columns.findIndex(({ name }) => name === input.by[field.name])) };
}

/** Tells inputs apart, and sorts them. */
export function inputId(input: InputPlan): string {
  return [input.table, ...input.keyColumns].map((n) => String(n).padStart(4, '0')).join(',');
}
