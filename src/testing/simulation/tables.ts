/** The simulated shop's tables. Imports nothing of the engine: the oracle reads them too. */
import type { ColumnSpec, TableSpec, TypeSpec } from './naive-oracle/spec.ts';
import type { SimulatedTable } from './simulated-database.ts';

const column = (name: string, type: TypeSpec): ColumnSpec => ({ name, type, nullable: false });
const nullable = (name: string, type: TypeSpec): ColumnSpec => ({ name, type, nullable: true });

/** Short, so that windows end often. The workload without late rows keeps below `outOfOrderness` − `maxAhead`. */
const time = { outOfOrderness_us: 2_000_000, maxAhead_us: 400_000, idleTimeout_us: 1_000_000, allowedLateness_us: 0 };

export const transactions: SimulatedTable = {
  name: 'public.transactions',
  primaryKey: 'transaction_id',
  eventTime: 'transaction_time',
  timestamptz: [],
};

export const transactionsSpec: TableSpec = {
  name: transactions.name,
  columns: [
    column('transaction_id', { kind: 'int64' }),
    nullable('user_id', { kind: 'int64' }),
    column('amount', { kind: 'decimal', precision: 12, scale: 2 }),
    column('status', { kind: 'text' }),
    nullable('location', { kind: 'text' }),
    column('transaction_time', { kind: 'timestamp', precision: 3 }),
  ],
  primaryKey: ['transaction_id'],
  eventTime: 'transaction_time',
  ...time,
  appendOnly: false,
};

export const logins: SimulatedTable = {
  name: 'public.logins',
  primaryKey: 'login_id',
  eventTime: 'login_time',
  timestamptz: ['login_time'],
};

export const loginsSpec: TableSpec = {
  name: logins.name,
  columns: [
    column('login_id', { kind: 'int64' }),
    column('user_id', { kind: 'int64' }),
    nullable('invited_by', { kind: 'int64' }),
    column('device', { kind: 'int32' }),
    nullable('success', { kind: 'boolean' }),
    column('login_time', { kind: 'timestamptz' }),
  ],
  primaryKey: ['login_id'],
  eventTime: 'login_time',
  ...time,
  appendOnly: false,
};

export const tables: readonly SimulatedTable[] = [transactions, logins];

/** The connector's `topic.prefix`. */
export const prefix = 'simulated';

export const topicOf = (table: { readonly name: string }): string => `${prefix}.${table.name}`;
export const heartbeatTopic = `__debezium-heartbeat.${prefix}`;

/** Few values, so that extremes tie; texts whose order by code points is not that of UTF-16. */
export const amounts = ['-5.00', '0.00', '0.01', '9.99', '10.00', '10.01', '1999.90', '9999999999.99'];
export const statuses = ['ok', 'ok', 'ok', 'pending', 'declined'];
export const locations = ['Oulu', 'Åbo', 'a "quoted"\\place', '\uff5e', '🦊', '', null, null];
