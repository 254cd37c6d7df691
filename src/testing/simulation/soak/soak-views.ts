/** The views of a soak: every kind of window, from minutes to days, so that state comes and goes at every pace. */
import type {
  AggregateSpec,
  EmitSpec,
  EntitySpec,
  ExpressionSpec,
  FeatureSpec,
  InputSpec,
  TableSpec,
  ViewSpec,
  WindowSpec,
} from '../naive-oracle/spec.ts';
import { loginsSpec, transactionsSpec } from '../tables.ts';

const minute_us = 60_000_000;
export const hour_us = 60 * minute_us;
export const day_us = 24 * hour_us;

/** Rows are at most so much older than their commit. */
export const outOfOrderness_us = 10 * minute_us;
/** Rows are changed only for half as long: no session refuses what the oracle counts. */
export const allowedLateness_us = 6 * hour_us;
/** The longest window, and how long the database keeps a row: after that nothing is left of a key that is quiet. */
export const longest_us = 2 * day_us;

const time = { outOfOrderness_us, maxAhead_us: minute_us, idleTimeout_us: 1_000_000, allowedLateness_us };
const bought: TableSpec = { ...transactionsSpec, ...time };
const loggedIn: TableSpec = { ...loginsSpec, ...time };
const tx: InputSpec = { alias: 'tx', table: bought, keyColumns: ['user_id'] };
const l: InputSpec = { alias: 'l', table: loggedIn, keyColumns: ['user_id'] };
const i: InputSpec = { alias: 'i', table: loggedIn, keyColumns: ['invited_by'] };

const columnOf = (name: string): ExpressionSpec => ({ op: 'column', name });
const count: AggregateSpec = { function: 'count' };
const tumbling = (size_us: number): WindowSpec => ({ kind: 'tumbling', size_us });
const hopping = (size_us: number, hop_us: number): WindowSpec => ({ kind: 'hopping', size_us, hop_us });
const sliding = (size_us: number, resolution_us: number): WindowSpec => ({ kind: 'sliding', size_us, resolution_us });
const session = (gap_us: number): WindowSpec => ({ kind: 'session', gap_us });
const unbounded: WindowSpec = { kind: 'unbounded' };
const isOk: ExpressionSpec = {
  op: 'eq',
  left: columnOf('status'),
  right: { op: 'literal', type: { kind: 'text' }, value: 'ok' },
};

const feature = (
  name: string,
  input: InputSpec,
  aggregate: AggregateSpec,
  window: WindowSpec,
  where: ExpressionSpec | null = null,
): FeatureSpec => ({ name, input: input.alias, aggregate, window, where, fallback: null });

const view = (
  name: string,
  inputs: readonly InputSpec[],
  features: readonly FeatureSpec[],
  emit?: EmitSpec,
): ViewSpec => ({
  ...{ name, inputs, features, derived: [], emit: emit ?? { kind: 'changes' } },
});

const amount = columnOf('amount');

export const soakEntity: EntitySpec = {
  name: 'user',
  key: [{ name: 'user_id', kind: 'int64' }],
  partitions: 3,
  tables: [bought, loggedIn],
  views: [
    view(
      'lifetime',
      [l, i],
      [
        feature('logins', l, count, unbounded),
        feature('newest_login', l, { function: 'max', value: columnOf('login_time') }, unbounded),
        feature('invited', i, count, unbounded),
        feature('invited_6h', i, count, hopping(6 * hour_us, hour_us)),
      ],
      { kind: 'every', interval_us: hour_us },
    ),
    view(
      'spending',
      [tx],
      [
        feature('purchases_10m', tx, count, tumbling(10 * minute_us)),
        feature('spent_1h', tx, { function: 'sum', value: amount }, sliding(hour_us, minute_us)),
        feature('ok_6h', tx, count, hopping(6 * hour_us, hour_us), isOk),
        feature('largest_1d', tx, { function: 'max', value: amount }, sliding(day_us, hour_us)),
        feature('spent_2d', tx, { function: 'sum', value: amount }, sliding(longest_us, longest_us / 200)),
        feature(
          'places_2d',
          tx,
          { function: 'distinctCount', value: columnOf('location') },
          sliding(longest_us, hour_us),
        ),
      ],
    ),
    view(
      'visits',
      [tx, l],
      [
        feature('visit', l, count, session(30 * minute_us)),
        feature('failures_1h', l, count, tumbling(hour_us), { op: 'not', term: columnOf('success') }),
        feature('bought_1d', tx, count, tumbling(day_us)),
        feature(
          'devices_1d',
          l,
          { function: 'lastDistinct', value: columnOf('device'), limit: 3 },
          sliding(day_us, hour_us),
        ),
      ],
    ),
  ],
};
