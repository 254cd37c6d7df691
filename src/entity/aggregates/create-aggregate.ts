import type { ColumnType } from '../../define/column.ts';
import type { AggregateState } from '../../define/plan.ts';
import type { Aggregate } from './aggregate.ts';
import { Count } from './count.ts';
import { FloatMoments } from './float-moments.ts';
import { FloatSum } from './float-sum.ts';
import { IntegerMoments } from './integer-moments.ts';
import { IntegerSum } from './integer-sum.ts';
import { Ordered } from './ordered.ts';
import { paneLimit } from './pane-limit.ts';
import { Values } from './values.ts';

const isFloat = (type: ColumnType): boolean => type.kind === 'float64';

/** An empty aggregate. That of a window keeps whatever its panes do: only panes have limits. */
export function createAggregate(state: AggregateState, level: 'pane' | 'window'): Aggregate {
  const isPane = level === 'pane';
  const capacity = isPane ? paneLimit : Infinity;
  switch (state.kind) {
    case 'count':
      return new Count();
    case 'sum':
      return isFloat(state.type) ? new FloatSum() : new IntegerSum();
    case 'moments':
      return isFloat(state.type) ? new FloatMoments() : new IntegerMoments();
    case 'values':
      return new Values(state.type, isPane ? state.keep : null, capacity);
    case 'ordered':
      return new Ordered(state.type, isPane ? state.keep : null, capacity);
    default:
      throw new Error(`${state.kind} is not there yet`);
  }
}
