import type { Value } from '../../define/column.ts';
import type { Aggregate, PaneChanges, RowOrder } from '../aggregates/aggregate.ts';

/** The windows' own aggregates that follow a pane, for one aggregation at a time. */
export class WindowFollowers implements PaneChanges {
  /** Whom the next changes concern. */
  readonly targets: Aggregate[] = [];
  overflows = 0;

  insert(value: Value, at: RowOrder): void {
    for (let i = 0; i < this.targets.length; i++) this.targets[i]!.insert(value, at, null);
  }

  retract(value: Value, at: RowOrder): void {
    for (let i = 0; i < this.targets.length; i++) this.targets[i]!.retract(value, at, null);
  }

  overflow(): void {
    this.overflows++;
  }
}
