/** Views over the benchmark's topic: the reference case, and the heavier one that peers were measured with. BENCH_VIEW chooses. */
import {
  count,
  debezium,
  decimal,
  distinctCount,
  entity,
  featureView,
  int64,
  max,
  sliding,
  sum,
  text,
  timestamp,
  tumbling,
  unbounded,
} from 'millrace';

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

const from = { tx: transactions.by({ user_id: 'user_id' }) };

const tumblingFeatures = featureView('user_features', {
  entity: user,
  from,
  features: ({ tx }) => ({
    transaction_count_last_5_min: count(tx).over(tumbling('5m')),
    last_update_time: max(tx.transaction_time).over(tumbling('5m')),
  }),
});

const slidingFeatures = featureView('user_features', {
  entity: user,
  from,
  features: ({ tx }) => {
    const window = sliding('5m');
    return {
      transactions: count(tx).over(window),
      spend: sum(tx.amount).over(window),
      largest: max(tx.amount).over(window),
      places: distinctCount(tx.location).over(window),
    };
  },
});

/** What can be recounted at any time, beside a window whose end every key has. */
const countedFeatures = featureView('user_features', {
  entity: user,
  from,
  features: ({ tx }) => ({
    transactions: count(tx).over(unbounded()),
    spend: sum(tx.amount).over(unbounded()),
    transaction_count_last_5_min: count(tx).over(tumbling('5m')),
  }),
});

const views = { tumbling: tumblingFeatures, sliding: slidingFeatures, counted: countedFeatures };

export const userFeatures = views[(process.env['BENCH_VIEW'] ?? 'tumbling') as keyof typeof views];
