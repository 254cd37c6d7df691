/** A view over three tables, for tests of the language: one whose rows change, an append-only one, one without event time. */
import type { ViewPlan } from '../../src/define/plan.ts';
import { buildPlan } from '../../src/define/plan-builder.ts';
import { InvalidError } from '../../src/errors.ts';
import {
  boolean,
  debezium,
  decimal,
  entity,
  featureView,
  float64,
  int32,
  int64,
  mul,
  text,
  timestamp,
  upper,
  type Feature,
  type FeatureView,
} from '../../src/index.ts';

export const user = entity('user', { key: { user_id: int64() } });
export const shop = debezium({ prefix: 'p' });
export const columns = {
  ...{ id: int64(), user_id: int64(), small: int32(), price: decimal(12, 2), wide: decimal(60, 3), real: float64() },
  ...{ word: text().nullable(), flag: boolean(), at: timestamp(6) },
};
export const time = { event: 'at' } as const;
export const orders = shop.table('public.orders', {
  columns,
  primaryKey: ['id'],
  time,
  derived: (c) => ({ total: mul(c.price, c.small), shout: upper(c.word) }),
});
const clicks = shop.table('public.clicks', { columns, primaryKey: ['id'], time, appendOnly: true });
const notes = shop.table('public.notes', { columns, primaryKey: ['id'] });
export const from = {
  o: orders.by({ user_id: 'user_id' }),
  c: clicks.by({ user_id: 'user_id' }),
  n: notes.by({ user_id: 'user_id' }),
};

export type View = FeatureView<Readonly<Record<string, Feature>>, typeof user.key>;
export type Inputs = Parameters<Parameters<typeof featureView<typeof user.key, typeof from, never>>[1]['features']>[0];

export function viewOf(features: (inputs: Inputs) => object, more: object = {}): View {
  return featureView('v', { entity: user, from, features: features as never, ...more });
}

export const planOf = (view: View): ViewPlan => buildPlan({ v: view }).entities[0]!.views[0]!;

export function faultsOf(features: (inputs: Inputs) => object, more: object = {}): readonly string[] {
  try {
    planOf(viewOf(features, more));
    return [];
  } catch (error) {
    if (error instanceof InvalidError) return error.problems;
    throw error;
  }
}

/** As untyped callers can write it. */
export const any = (value: unknown): never => value as never;
