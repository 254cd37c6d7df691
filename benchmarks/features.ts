/** Views over the benchmark's topic: the reference case, and the heavier one that peers were measured with. BENCH_VIEW chooses. */
import { count, distinctCount, entity, featureView, int64, max, sliding, sum, tumbling, unbounded } from 'millrace';
import { transactions } from './transactions.ts';

const user = entity('user', { key: { user_id: int64() } });
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
