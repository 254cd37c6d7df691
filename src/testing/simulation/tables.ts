/** The simulated shop's tables. Imports nothing of the engine: the oracle reads them too. */
import type { SimulatedTable } from './simulated-database.ts';

/** `transaction_id, user_id (nullable), amount, status, location (nullable), transaction_time`: timestamp(3). */
export const transactions: SimulatedTable = {
  name: 'public.transactions',
  primaryKey: 'transaction_id',
  eventTime: 'transaction_time',
  timestamptz: [],
};

/** `login_id, user_id, invited_by (nullable), device, success (nullable), login_time`: timestamptz. */
export const logins: SimulatedTable = {
  name: 'public.logins',
  primaryKey: 'login_id',
  eventTime: 'login_time',
  timestamptz: ['login_time'],
};

export const tables: readonly SimulatedTable[] = [transactions, logins];

/** The connector's `topic.prefix`. */
export const prefix = 'simulated';

export const topicOf = (table: SimulatedTable): string => `${prefix}.${table.name}`;
export const heartbeatTopic = `__debezium-heartbeat.${prefix}`;
