/** Which views read a table, and which of their keys a row concerns. */
import { keyOf } from '../define/key.ts';
import type { EntityPlan } from '../define/plan.ts';
import { afterBit, beforeBit, type RowEntry } from '../frames/row-frame.ts';
import type { ViewTask } from './view-task.ts';

/** A view, and where it stands in the route bits of a table. */
export interface TableReader {
  readonly view: ViewTask;
  readonly input: number;
  readonly beforeBit: number;
  readonly afterBit: number;
  readonly keyColumns: readonly number[];
}

export function readersOf(entity: EntityPlan, table: number, views: readonly ViewTask[]): TableReader[] {
  const inputs = entity.inputs.flatMap((input, index) =>
    input.table === table ? [{ index, keyColumns: input.keyColumns }] : [],
  );
  return inputs.flatMap(({ index, keyColumns }, bit) =>
    views
      .filter((view) => view.plan.inputs.includes(index))
      .map((view) => ({ view, input: index, beforeBit: beforeBit(bit), afterBit: afterBit(bit), keyColumns })),
  );
}

/** Calls with each key of a view that a row concerns here; a key may come twice. */
export function eachKeyOf(
  readers: readonly TableReader[],
  { routes, before, after }: RowEntry,
  call: (view: ViewTask, key: string) => void,
): void {
  for (const reader of readers) {
    if ((routes & reader.beforeBit) !== 0) call(reader.view, keyOf(before!, reader.keyColumns)!);
    if ((routes & reader.afterBit) !== 0) call(reader.view, keyOf(after!, reader.keyColumns)!);
  }
}
