/** The pane of a key's current tumbling window. Windows that T has passed are never read again and not kept. */
import type { FeaturePlan, Row } from '../../define/plan.ts';
import type { ByteReader, ByteWriter } from '../../frames/bytes.ts';
import type { Aggregate } from '../aggregates/aggregate.ts';
import { createAggregate } from '../aggregates/create-aggregate.ts';

/** Features of a view that share a window: they share its panes. */
export interface WindowGroup {
  readonly size_us: number;
  readonly features: readonly FeaturePlan[];
  /** Index of each feature in the view. */
  readonly slots: readonly number[];
}

export const windowIndex = (time_us: number, size_us: number): number => Math.floor(time_us / size_us);
export const windowEnd_us = (time_us: number, size_us: number): number => (windowIndex(time_us, size_us) + 1) * size_us;

export class TumblingPane {
  readonly index: number;
  /** Rows of any input and filter: at 0 the pane is as if it had never been. */
  rows = 0;
  readonly aggregates: readonly Aggregate[];

  constructor(group: WindowGroup, index: number) {
    this.index = index;
    this.aggregates = group.features.map((feature) => createAggregate(feature));
  }

  insert(group: WindowGroup, input: number, row: Row): void {
    this.rows++;
    for (let i = 0; i < this.aggregates.length; i++) {
      const feature = group.features[i]!;
      if (counts(feature, input, row)) this.aggregates[i]!.insert(feature.value === null ? null : feature.value(row));
    }
  }

  /** @returns false when the row was not there. */
  retract(group: WindowGroup, input: number, row: Row): boolean {
    let found = this.rows > 0;
    if (found) this.rows--;
    for (let i = 0; i < this.aggregates.length; i++) {
      const feature = group.features[i]!;
      if (!counts(feature, input, row)) continue;
      if (!this.aggregates[i]!.retract(feature.value === null ? null : feature.value(row))) found = false;
    }
    return found;
  }

  write(out: ByteWriter): void {
    out.zigzag(this.index);
    out.varint(this.rows);
    for (const aggregate of this.aggregates) aggregate.write(out);
  }

  static read(from: ByteReader, group: WindowGroup): TumblingPane {
    const pane = new TumblingPane(group, from.zigzag());
    pane.rows = from.varint();
    for (const aggregate of pane.aggregates) aggregate.read(from);
    return pane;
  }
}

function counts(feature: FeaturePlan, input: number, row: Row): boolean {
  return feature.input === input && (feature.where === null || feature.where(row));
}
