/** How have the last logins of an account gone? The example of `docs/getting-started.md`, which explains it line by line. */
import {
  boolean,
  count,
  debezium,
  distinctCount,
  div,
  entity,
  eq,
  featureView,
  int64,
  last,
  sliding,
  text,
  timestamp,
  unbounded,
  type Features,
} from 'millrace';

export const account = entity('account', { key: { account_id: int64() } });

const app = debezium({ prefix: 'app', decimals: 'string', times: 'microseconds' });

export const logins = app.table('public.logins', {
  columns: {
    login_id: int64(),
    account_id: int64(),
    country: text().nullable(),
    succeeded: boolean(),
    login_time: timestamp(3),
  },
  primaryKey: ['login_id'],
  replicaIdentity: 'full',
  time: { event: 'login_time', outOfOrderness: '2s' },
});

export const accountActivity = featureView('account_activity', {
  entity: account,
  from: { login: logins.by({ account_id: 'account_id' }) },
  features: ({ login }) => ({
    logins_last_10_min: count(login).over(sliding('10m')),
    failed_last_10_min: count(login, { where: eq(login.succeeded, false) }).over(sliding('10m')),
    countries_last_day: distinctCount(login.country).over(sliding('1d')),
    last_country: last(login.country).over(unbounded()),
  }),
  derive: (f) => ({ failed_share: div(f.failed_last_10_min, f.logins_last_10_min) }),
});

export type AccountActivity = Features<typeof accountActivity>;
