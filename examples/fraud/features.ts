/**
 * How busy has a user been, how much was spent, and where? What a fraud model reads before it lets a payment through.
 * Try it: `millrace dev examples/fraud/features.ts`, or `make demo`, which runs exactly this file. `millrace sql` prints its SQL.
 */
import {
  count,
  debezium,
  decimal,
  distinctCount,
  div,
  entity,
  eq,
  featureView,
  int64,
  lastDistinct,
  max,
  sliding,
  sum,
  text,
  timestamp,
  tumbling,
  type Features,
} from 'millrace';

export const user = entity('user', { key: { user_id: int64() } });

// The connector's own settings: topic.prefix, decimal.handling.mode and time.precision.mode.
const shop = debezium({ prefix: 'dbserver', decimals: 'string', times: 'microseconds' });

export const transactions = shop.table('public.transactions', {
  columns: {
    transaction_id: int64(),
    user_id: int64(),
    amount: decimal(12, 2),
    status: text(),
    location: text().nullable(),
    merchant: text(),
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
    recent_locations: lastDistinct(tx.location, { limit: 5 }).over(sliding('7d')),
    transactions_last_hour: count(tx, { where: eq(tx.status, 'ok') }).over(sliding('1h')),
    spend_last_hour: sum(tx.amount, { where: eq(tx.status, 'ok') })
      .over(sliding('1h'))
      .default('0.00'),
    merchants_last_day: distinctCount(tx.merchant).over(sliding('1d')),
  }),
  derive: (f) => ({
    average_ticket: div(f.spend_last_hour, f.transactions_last_hour),
  }),
  online: { key: 'user_features:{user_id}' },
});

export type UserFeatures = Features<typeof userFeatures>;
