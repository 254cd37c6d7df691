/** The feature views of a simulated run, in the public language. What they must give is written a second time in the oracle. */
import { boolean, decimal, int32, int64, text, timestamp, timestamptz } from '../../define/column.ts';
import { count } from '../../define/aggregates/counting.ts';
import { max, min } from '../../define/aggregates/values.ts';
import { entity } from '../../define/entity.ts';
import { and, eq, isNull, lt, ne, not } from '../../define/expression.ts';
import type { EntityPlan, Plan } from '../../define/plan.ts';
import { buildPlan } from '../../define/plan-builder.ts';
import { debezium } from '../../define/table.ts';
import { featureView } from '../../define/view.ts';
import { tumbling } from '../../define/window.ts';
import { logins, prefix, transactions } from './tables.ts';

const user = entity('user', { key: { user_id: int64() }, partitions: 3 });
const shop = debezium({ prefix, decimals: 'string', times: 'microseconds' });

/** Short, so that windows end often. The workload without late rows keeps below `outOfOrderness` − `maxAhead`. */
const time = { outOfOrderness: '2s', maxAhead: '400ms', idleTimeout: '1s' } as const;

const transactionsTable = shop.table(transactions.name, {
  columns: {
    transaction_id: int64(),
    user_id: int64().nullable(),
    amount: decimal(12, 2),
    status: text(),
    location: text().nullable(),
    transaction_time: timestamp(3),
  },
  primaryKey: ['transaction_id'],
  replicaIdentity: 'full',
  time: { event: 'transaction_time', ...time },
});

const loginsTable = shop.table(logins.name, {
  columns: {
    login_id: int64(),
    user_id: int64(),
    invited_by: int64().nullable(),
    device: int32(),
    success: boolean().nullable(),
    login_time: timestamptz(),
  },
  primaryKey: ['login_id'],
  replicaIdentity: 'full',
  time: { event: 'login_time', ...time },
});

const spending = featureView('spending', {
  entity: user,
  from: { tx: transactionsTable.by({ user_id: 'user_id' }) },
  features: ({ tx }) => ({
    purchases_10s: count(tx).over(tumbling('10s')),
    purchases_60s: count(tx).over(tumbling('60s')),
    ok_60s: count(tx, { where: eq(tx.status, 'ok') }).over(tumbling('60s')),
    cheap_elsewhere_60s: count(tx, { where: and(lt(tx.amount, '10.00'), ne(tx.location, 'Oulu')) }).over(
      tumbling('60s'),
    ),
    largest_60s: max(tx.amount).over(tumbling('60s')),
    smallest_ok_10s: min(tx.amount, { where: eq(tx.status, 'ok') })
      .over(tumbling('10s'))
      .default('0.00'),
    newest_60s: max(tx.transaction_time).over(tumbling('60s')),
    place_60s: max(tx.location).over(tumbling('60s')),
  }),
});

const activity = featureView('activity', {
  entity: user,
  from: { tx: transactionsTable.by({ user_id: 'user_id' }), l: loginsTable.by({ user_id: 'user_id' }) },
  features: ({ tx, l }) => ({
    bought_60s: count(tx).over(tumbling('60s')),
    unplaced_10s: count(tx, { where: isNull(tx.location) }).over(tumbling('10s')),
    logins_60s: count(l).over(tumbling('60s')),
    failures_10s: count(l, { where: not(l.success) }).over(tumbling('10s')),
    first_login_60s: min(l.login_time).over(tumbling('60s')),
    device_60s: max(l.device).over(tumbling('60s')),
  }),
});

/** One table under a second key: a change may concern three entity partitions. */
const referrals = featureView('referrals', {
  entity: user,
  from: { l: loginsTable.by({ user_id: 'invited_by' }) },
  features: ({ l }) => ({
    invited_10s: count(l).over(tumbling('10s')),
    invited_60s: count(l).over(tumbling('60s')),
    highest_invited_60s: max(l.user_id).over(tumbling('60s')),
  }),
});

export const simulatedPlan: Plan = buildPlan({ spending, activity, referrals });
export const simulatedUser: EntityPlan = simulatedPlan.entities[0]!;
