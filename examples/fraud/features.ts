/**
 * How busy has a user been in the last five minutes? Two features that a fraud model reads before it lets a payment through.
 * Try it: `millrace dev examples/fraud/features.ts`, or `make demo`, which runs exactly this file.
 */
import {
  count,
  debezium,
  decimal,
  entity,
  featureView,
  int64,
  max,
  text,
  timestamp,
  tumbling,
  type Features,
} from 'millrace';

export const user = entity('user', { key: { user_id: int64() } });

// The connector's own settings: topic.prefix, decimal.handling.mode and time.precision.mode.
const shop = debezium({ prefix: 'dbserver', decimals: 'string', times: 'microseconds' });

const transactions = shop.table('public.transactions', {
  columns: {
    transaction_id: int64(),
    user_id: int64(),
    amount: decimal(12, 2),
    status: text(),
    location: text().nullable(),
    transaction_time: timestamp(3),
  },
  primaryKey: ['transaction_id'],
  // Updates and deletes carry the complete old row, so they can be taken out of a window exactly.
  replicaIdentity: 'full',
  time: { event: 'transaction_time', outOfOrderness: '5s', maxAhead: '1m' },
});

export const userFeatures = featureView('user_features', {
  entity: user,
  from: { tx: transactions.by({ user_id: 'user_id' }) },
  features: ({ tx }) => ({
    transaction_count_last_5_min: count(tx).over(tumbling('5m')),
    last_update_time: max(tx.transaction_time).over(tumbling('5m')),
  }),
  online: { key: 'user_features:{user_id}' },
});

export type UserFeatures = Features<typeof userFeatures>;
