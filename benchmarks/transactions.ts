/** The table of the envelopes that `benchmarks/envelopes.ts` makes. */
import { debezium, decimal, int64, text, timestamp } from 'millrace';

const shop = debezium({ prefix: process.env['BENCH_PREFIX'] ?? 'bench', decimals: 'string', times: 'microseconds' });

export const transactions = shop.table('public.transactions', {
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
