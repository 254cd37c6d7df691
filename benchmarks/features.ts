/** The reference case, for a topic prefix of the benchmark's own. */
import { count, debezium, decimal, entity, featureView, int64, max, text, timestamp, tumbling } from 'millrace';

const user = entity('user', { key: { user_id: int64() } });
const shop = debezium({ prefix: process.env['BENCH_PREFIX'] ?? 'bench', decimals: 'string', times: 'microseconds' });

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
    transaction_count_last_5_min: count(tx).over(tumbling('5m')),
    last_update_time: max(tx.transaction_time).over(tumbling('5m')),
  }),
});
