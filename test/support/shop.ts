/** The reference case as plans, for tests of the engine. */
import {
  count,
  debezium,
  decimal,
  entity,
  eq,
  featureView,
  int64,
  max,
  min,
  text,
  timestamp,
  tumbling,
} from '../../src/index.ts';
import { buildPlan } from '../../src/define/plan-builder.ts';
import type { EntityPlan, Row } from '../../src/define/plan.ts';

export const user = entity('user', { key: { user_id: int64() }, partitions: 3 });

export const shop = debezium({ prefix: 'dbserver', decimals: 'string', times: 'microseconds' });

export const transactions = shop.table('public.transactions', {
  columns: {
    transaction_id: int64(),
    user_id: int64(),
    amount: decimal(12, 2),
    status: text(),
    location: text().nullable(),
    transaction_time: timestamp(6),
  },
  primaryKey: ['transaction_id'],
  replicaIdentity: 'full',
  time: { event: 'transaction_time', outOfOrderness: '5s', maxAhead: '1m' },
});

export const userFeatures = featureView('user_features', {
  entity: user,
  from: { tx: transactions.by({ user_id: 'user_id' }) },
  features: ({ tx }) => ({
    transaction_count_last_5_min: count(tx).over(tumbling('5m')),
    last_update_time: max(tx.transaction_time).over(tumbling('5m')),
    smallest_ok_last_minute: min(tx.amount, { where: eq(tx.status, 'ok') }).over(tumbling('1m')),
  }),
});

export const plan = buildPlan({ userFeatures });
export const userPlan: EntityPlan = plan.entities[0]!;
export const transactionsPlan = userPlan.tables[0]!;

export interface Transaction {
  readonly id: number;
  readonly user: number | bigint;
  readonly cents: number;
  readonly status: string;
  readonly location: string | null;
  readonly time_us: number;
}

export function rowOf(t: Transaction): Row {
  return [BigInt(t.id), BigInt(t.user), BigInt(t.cents), t.status, t.location, BigInt(t.time_us)];
}
