import type { AggregateFunction } from '../../define/aggregate.ts';
import type { Aggregate } from './aggregate.ts';
import { Count } from './count.ts';
import { Extreme } from './extreme.ts';

export function createAggregate(name: AggregateFunction): Aggregate {
  switch (name) {
    case 'count':
      return new Count();
    case 'min':
      return new Extreme(false);
    case 'max':
      return new Extreme(true);
  }
}
