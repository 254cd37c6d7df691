import type { ColumnType } from '../../define/column.ts';
import type { AggregateState } from '../../define/plan.ts';
import type { Aggregate } from './aggregate.ts';
import { BucketMapping } from './bucket-mapping.ts';
import { Count } from './count.ts';
import { FloatMoments } from './float-moments.ts';
import { FloatSum } from './float-sum.ts';
import { Frequencies } from './frequencies.ts';
import { Histogram } from './histogram.ts';
import { HyperLogLog } from './hyperloglog.ts';
import { IntegerMoments } from './integer-moments.ts';
import { IntegerSum } from './integer-sum.ts';
import { Ordered } from './ordered.ts';
import { paneLimit } from './pane-limit.ts';
import { Quantiles } from './quantiles.ts';
import { Ratio } from './ratio.ts';
import { Recent } from './recent.ts';
import { Times } from './times.ts';
import { Values } from './values.ts';

const isFloat = (type: ColumnType): boolean => type.kind === 'float64';

/** One for each accuracy of the plan: made once, and shared. */
const mappings = new Map<number, BucketMapping>();

function mappingOf(accuracy: number): BucketMapping {
  let mapping = mappings.get(accuracy);
  if (mapping === undefined) mappings.set(accuracy, (mapping = new BucketMapping(accuracy)));
  return mapping;
}

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
    case 'ratio':
      return new Ratio();
    case 'histogram':
      return new Histogram(state.bounds);
    case 'frequencies':
      return new Frequencies(state.type, capacity);
    case 'quantiles': {
      const limits = { exact: isPane ? state.exactLimit : Infinity, buckets: capacity };
      return new Quantiles(state.type, limits, mappingOf(state.accuracy));
    }
    case 'recent':
      return new Recent(state.type, isPane && state.appendOnly, capacity);
    case 'times':
      return new Times(isPane && state.appendOnly, capacity);
    case 'hyperloglog':
      return new HyperLogLog(state.precision, isPane);
  }
}
