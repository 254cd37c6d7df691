/** The reference case with short windows; the worker loads this file, the probe makes the same plan to read the logs. */
import { count, debezium, decimal, entity, featureView, int64, max, text, timestamp, tumbling } from 'millrace';
import { outOfOrderness_ms } from './schedule.ts';

const user = entity('user', { key: { user_id: int64() } });

export const definitionsOf = (prefix: string, window_s: number) => {
  const shop = debezium({ prefix, decimals: 'string', times: 'microseconds' });
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
    // No row leads time: the preload's rows of later windows are held until their windows begin.
    time: { event: 'transaction_time', outOfOrderness: `${BigInt(outOfOrderness_ms)}ms`, maxAhead: '0s' },
  });
  const window = tumbling(`${BigInt(window_s)}s`);
  const userFeatures = featureView('freshness_features', {
    entity: user,
    from: { tx: transactions.by({ user_id: 'user_id' }) },
    features: ({ tx }) => ({
      transaction_count: count(tx).over(window),
      last_update_time: max(tx.transaction_time).over(window),
    }),
  });
  return { userFeatures };
};

export const { userFeatures } = definitionsOf(
  process.env['BENCH_PREFIX'] ?? 'freshness',
  Number(process.env['BENCH_WINDOW_S'] ?? '60'),
);
