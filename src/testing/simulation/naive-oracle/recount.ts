/** A view's values of a key at T, recounted from all rows. */
import { aggregate } from './aggregates.ts';
import { derive } from './derived.ts';
import { evaluate } from './expressions.ts';
import type { Cell, FeatureSpec, InputSpec, OracleRow, Result, TableSpec, ViewSpec } from './spec.ts';
import { inputOf } from './types.ts';
import { rowsAt } from './windows.ts';

/** The rows of one input that have a key, as a feature's window may see them. */
export type RowsOf = (input: InputSpec, feature: FeatureSpec) => readonly OracleRow[];

/** @returns a value for each feature, in their order, then what is derived from them. */
export function recount(view: ViewSpec, rowsOf: RowsOf, asOf_us: number): Result[] {
  const values = view.features.map((feature): Result => {
    const input = inputOf(view, feature);
    const rows = rowsAt(feature.window, input.table, rowsOf(input, feature), asOf_us);
    const { where } = feature;
    const chosen = where === null ? rows : rows.filter((row) => evaluate(where, row) === true);
    return aggregate(feature.aggregate, input.table, chosen, asOf_us) ?? feature.fallback;
  });
  return [...values, ...derive(view, values)];
}

/** The entity key's text; null when a part is null: such a row belongs to no key. */
export function keyText(input: InputSpec, row: OracleRow): string | null {
  const parts: Cell[] = input.keyColumns.map((name) => row[name] ?? null);
  return parts.includes(null) ? null : parts.map((part) => encodeURIComponent(String(part))).join(':');
}

/** Tells the rows of a table apart. */
export const identityOf = (table: TableSpec, row: OracleRow): string =>
  JSON.stringify(table.primaryKey.map((name) => String(row[name])));
