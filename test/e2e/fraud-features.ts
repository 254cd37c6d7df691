/** The reference case of `examples/fraud` with a window that a test can wait for. */
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
  type Duration,
} from 'millrace';

const user = entity('user', { key: { user_id: int64() } });
const shop = debezium({ prefix: 'dbserver', decimals: 'string', times: 'microseconds' });
const window = tumbling((process.env['E2E_WINDOW'] ?? '90s') as Duration);

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
  replicaIdentity: 'full',
  time: { event: 'transaction_time', outOfOrderness: '5s', maxAhead: '1m' },
});

export const userFeatures = featureView('user_features', {
  entity: user,
  from: { tx: transactions.by({ user_id: 'user_id' }) },
  features: ({ tx }) => ({
    transaction_count_last_5_min: count(tx).over(window),
    last_update_time: max(tx.transaction_time).over(window),
  }),
  online: { key: 'user_features:{user_id}' },
});
