/** A window that is open for weeks: every key holds a row and a timer, and none leaves while the benchmark runs. */
import { count, debezium, decimal, entity, featureView, int64, max, text, timestamp, tumbling } from 'millrace';
import { partitions } from './partitions.ts';

const user = entity('user', { key: { user_id: int64() }, partitions });
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

export const takeoverFeatures = featureView('takeover_features', {
  entity: user,
  from: { tx: transactions.by({ user_id: 'user_id' }) },
  features: ({ tx }) => ({
    transactions: count(tx).over(tumbling('30d')),
    last_update_time: max(tx.transaction_time).over(tumbling('30d')),
  }),
});
