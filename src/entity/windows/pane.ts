import type { AggregatePlan } from '../../define/plan.ts';
import type { ByteReader, ByteWriter } from '../../frames/bytes.ts';
import type { Aggregate } from '../aggregates/aggregate.ts';
import { createAggregate } from '../aggregates/create-aggregate.ts';

/** The rows of a stretch of event time. */
export interface Pane {
  readonly index: number;
  /** Rows of the series' inputs, whatever filters say: at 0 the pane is as if it had never been. */
  rows: number;
  readonly aggregates: readonly Aggregate[];
}

export function newPane(index: number, plans: readonly AggregatePlan[]): Pane {
  return { index, rows: 0, aggregates: plans.map(({ state }) => createAggregate(state, 'pane')) };
}

/** @param panes in the order of their indexes. */
export function writePanes(out: ByteWriter, panes: readonly Pane[]): void {
  out.varint(panes.length);
  let before = 0;
  for (const { index, rows, aggregates } of panes) {
    out.zigzag(index - before);
    before = index;
    out.varint(rows);
    for (const aggregate of aggregates) aggregate.write(out);
  }
}

export function readPanes(from: ByteReader, plans: readonly AggregatePlan[]): Pane[] {
  const panes: Pane[] = [];
  let index = 0;
  for (let rest = from.varint(); rest > 0; rest--) {
    index += from.zigzag();
    const pane = newPane(index, plans);
    pane.rows = from.varint();
    for (const aggregate of pane.aggregates) aggregate.read(from);
    panes.push(pane);
  }
  return panes;
}
