import type { FeaturePlan } from '../../define/plan.ts';
import type { Aggregate } from './aggregate.ts';
import { Count } from './count.ts';
import { Extreme } from './extreme.ts';

export function createAggregate({ function: name, type }: Pick<FeaturePlan, 'function' | 'type'>): Aggregate {
  switch (name) {
    case 'count':
      return new Count();
    case 'min':
      return new Extreme(false, type);
    case 'max':
      return new Extreme(true, type);
  }
}
