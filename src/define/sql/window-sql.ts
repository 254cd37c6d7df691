/** Which rows a window holds at T, in SQL: the rules of docs/definitions.md, in whole microseconds. */
import { quoteName } from '../functions/sql-text.ts';
import type { Input } from '../table.ts';
import type { Window } from '../window.ts';

/** The relation of all that was asked for: `_ask` numbers it, `_t` is T. */
export const askedRelation = '_asked';

/** `public.transactions` as `"public"."transactions"`. */
const relationOf = ({ table }: Input): string => table.name.split('.').map(quoteName).join('.');

/** The rows of an input that a window holds for each that was asked, with `_ask`, `_t` and, where there is one, `_et`. */
export function windowSql(input: Input, window: Window): string {
  const keys = Object.entries(input.by).map(
    ([field, column]) => `r.${quoteName(column)} = ${askedRelation}.${quoteName(field)}`,
  );
  const from = [`FROM ${askedRelation} JOIN ${relationOf(input)} AS r`, `  ON ${keys.join(' AND ')}`];
  if (input.table.time === null) return ['SELECT _ask, _t, r.*', ...from].join('\n');
  const eventTime = `epoch_us(r.${quoteName(input.table.time.event)})`;
  const reached = ['SELECT _ask, _t, r.*, ' + eventTime + ' AS _et', ...from, `WHERE ${eventTime} <= _t`].join('\n');
  if (window.kind === 'session') return sessionSql(reached, window.gap_us);
  const condition = conditionOf(window);
  return condition === null ? reached : `SELECT * FROM (\n${indent(reached)}\n) WHERE ${condition}`;
}

function conditionOf(window: Exclude<Window, { kind: 'session' }>): string | null {
  switch (window.kind) {
    case 'tumbling':
      return `_et // ${window.size_us} = _t // ${window.size_us}`;
    case 'hopping':
      return `_et >= (_t // ${window.hop_us} + 1) * ${window.hop_us} - ${window.size_us}`;
    case 'sliding':
      return `_et >= ((_t - ${window.size_us} + 1) // ${window.resolution_us}) * ${window.resolution_us}`;
    case 'unbounded':
      return null;
  }
}

/** The newest run of rows, if T is in it: rows of one instant are in one run. */
function sessionSql(reached: string, gap_us: number): string {
  const each = 'OVER (PARTITION BY _ask ORDER BY _et)';
  const all = 'OVER (PARTITION BY _ask)';
  return `SELECT * EXCLUDE (_start, _run) FROM (
  SELECT *, sum(_start) ${each} AS _run FROM (
    SELECT *, CASE WHEN _et - lag(_et) ${each} < ${gap_us} THEN 0 ELSE 1 END AS _start FROM (
${indent(indent(indent(reached)))}
    )
  )
) QUALIFY _run = max(_run) ${all} AND _t < max(_et) ${all} + ${gap_us}`;
}

export const indent = (text: string): string => text.replace(/^/gm, '  ');
