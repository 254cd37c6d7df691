import type { Value } from '../../define/column.ts';
import type { ResultPlan } from '../../define/plan.ts';
import type { Aggregate } from './aggregate.ts';
import { Count } from './count.ts';
import { FloatMoments } from './float-moments.ts';
import { FloatSum } from './float-sum.ts';
import { Frequencies } from './frequencies.ts';
import { Histogram } from './histogram.ts';
import { HyperLogLog } from './hyperloglog.ts';
import { IntegerMoments } from './integer-moments.ts';
import { IntegerSum } from './integer-sum.ts';
import { Ordered } from './ordered.ts';
import { Quantiles } from './quantiles.ts';
import { Ratio } from './ratio.ts';
import { Recent } from './recent.ts';
import { Times } from './times.ts';
import { Values } from './values.ts';

/**
 * What a feature shows of its aggregate, which is of the state that the plan has for such a result.
 * @param asOf_us T, the time that the value is of.
 */
export function resultOf(result: ResultPlan, aggregate: Aggregate, asOf_us: number): Value {
  switch (result.function) {
    case 'count':
      return as(aggregate, Count).count();
    case 'sum':
      return sumOf(aggregate).sum();
    case 'mean':
      return sumOf(aggregate).mean(result.scale ?? 0);
    case 'variance':
    case 'stddev':
      return momentsOf(aggregate).spread(result, result.scale ?? 0);
    case 'distinctCount':
      return as(aggregate, Values).distinctCount();
    case 'min':
      return as(aggregate, Values).min();
    case 'max':
      return as(aggregate, Values).max();
    case 'topValues':
      return as(aggregate, Values).top(result.limit);
    case 'bottomValues':
      return as(aggregate, Values).bottom(result.limit);
    case 'first':
      return as(aggregate, Ordered).first();
    case 'last':
      return as(aggregate, Ordered).last();
    case 'firstN':
      return as(aggregate, Ordered).firstValues(result.limit);
    case 'lastN':
      return as(aggregate, Ordered).lastValues(result.limit);
    case 'ratio':
      return as(aggregate, Ratio).ratio();
    case 'histogram':
      return as(aggregate, Histogram).histogram();
    case 'topK':
      return as(aggregate, Frequencies).mostFrequent(result.limit);
    case 'percentile':
      return as(aggregate, Quantiles).percentile(result.fraction);
    case 'lastDistinct':
      return as(aggregate, Recent).newestValues(result.limit);
    case 'timeSinceLast':
      return as(aggregate, Times).secondsSinceLast(asOf_us);
    case 'approxDistinctCount':
      return as(aggregate, HyperLogLog).estimate();
  }
}

function as<A extends Aggregate>(aggregate: Aggregate, state: abstract new (...parameters: never[]) => A): A {
  if (aggregate instanceof state) return aggregate;
  throw new TypeError(`the plan has a ${aggregate.constructor.name} for a result of ${state.name}`);
}

function sumOf(aggregate: Aggregate): FloatSum | IntegerSum {
  return aggregate instanceof FloatSum ? aggregate : as(aggregate, IntegerSum);
}

function momentsOf(aggregate: Aggregate): FloatMoments | IntegerMoments {
  return aggregate instanceof FloatMoments ? aggregate : as(aggregate, IntegerMoments);
}
