/** A window that is open for weeks: every key holds a row and a timer, and none leaves while the benchmark runs. */
import { count, entity, featureView, int64, max, tumbling } from 'millrace';
import { transactions } from '../transactions.ts';
import { partitions } from './partitions.ts';

const user = entity('user', { key: { user_id: int64() }, partitions });

export const takeoverFeatures = featureView('takeover_features', {
  entity: user,
  from: { tx: transactions.by({ user_id: 'user_id' }) },
  features: ({ tx }) => ({
    transactions: count(tx).over(tumbling('30d')),
    last_update_time: max(tx.transaction_time).over(tumbling('30d')),
  }),
});
