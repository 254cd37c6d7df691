/** Panes of an aggregation and a window over some of them, as the windows of the engine keep them. */
import type { Scalar, Value } from '../../src/define/column.ts';
import type { AggregateState, ResultPlan } from '../../src/define/plan.ts';
import type { Aggregate, PaneChanges, RowOrder } from '../../src/entity/aggregates/aggregate.ts';
import { createAggregate } from '../../src/entity/aggregates/create-aggregate.ts';
import { resultOf } from '../../src/entity/aggregates/results.ts';
import { ByteReader, ByteWriter } from '../../src/frames/bytes.ts';
import type { CountedRow } from './aggregate-recount.ts';

export function bytesOf(pane: Aggregate): string {
  const out = new ByteWriter();
  pane.write(out);
  return out.take().toString('hex');
}

export function reloaded(state: AggregateState, pane: Aggregate): Aggregate {
  const from = new ByteReader(Buffer.from(bytesOf(pane), 'hex'));
  const copy = createAggregate(state, 'pane');
  copy.read(from);
  if (from.remaining_bytes > 0) throw new Error(`${from.remaining_bytes} bytes are left over`);
  return copy;
}

/** Tells nobody. */
export const alone: PaneChanges = { insert: () => undefined, retract: () => undefined, overflow: () => undefined };

export const rowAt = (eventTime_us: number, ...primaryKey: readonly Scalar[]): RowOrder => ({
  eventTime_us,
  primaryKey,
});

export class Panes {
  readonly state: AggregateState;
  readonly panes: Aggregate[];
  readonly window: Aggregate;
  readonly rows: CountedRow[][];
  /** Which panes the window has. */
  readonly inside: boolean[];
  overflows = 0;

  constructor(state: AggregateState, panes: number) {
    this.state = state;
    this.panes = Array.from({ length: panes }, () => createAggregate(state, 'pane'));
    this.window = createAggregate(state, 'window');
    this.rows = this.panes.map(() => []);
    this.inside = this.panes.map(() => false);
  }

  insert(pane: number, value: Value, at: RowOrder): void {
    this.panes[pane]!.insert(value, at, this.changesOf(pane));
    this.rows[pane]!.push({ value, at });
  }

  /** Takes back one of the rows of the pane. */
  retract(pane: number, which: number): boolean {
    const rows = this.rows[pane]!;
    if (rows.length === 0) return true;
    const [{ value, at }] = rows.splice(which % rows.length, 1) as [CountedRow];
    return this.panes[pane]!.retract(value, at, this.changesOf(pane));
  }

  /** The pane enters the window, or leaves it. */
  move(pane: number): void {
    this.inside[pane] = !this.inside[pane];
    if (this.inside[pane]) this.window.add(this.panes[pane]!);
    else this.window.subtract(this.panes[pane]!);
  }

  reload(pane: number): void {
    this.panes[pane] = reloaded(this.state, this.panes[pane]!);
  }

  get windowRows(): CountedRow[] {
    return this.rows.filter((_, i) => this.inside[i]).flat();
  }

  /** What the window shows, and each pane on its own. */
  results(result: ResultPlan, asOf_us: number): { window: Value; panes: Value[] } {
    return {
      window: resultOf(result, this.window, asOf_us),
      panes: this.panes.map((pane) => resultOf(result, pane, asOf_us)),
    };
  }

  private changesOf(pane: number): PaneChanges {
    return {
      insert: (value, at) => {
        if (this.inside[pane]) this.window.insert(value, at, null);
      },
      retract: (value, at) => {
        if (this.inside[pane] && !this.window.retract(value, at, null)) throw new Error('the window does not have it');
      },
      overflow: () => {
        this.overflows++;
      },
    };
  }
}
