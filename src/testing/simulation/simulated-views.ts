/** The feature views of simulated runs, as plain data: some that people wrote, and others for each seed. */
import type {
  AggregateSpec,
  ColumnSpec,
  EntitySpec,
  ExpressionSpec,
  FeatureSpec,
  InputSpec,
  Scalar,
  TableSpec,
  ViewSpec,
  WindowSpec,
} from './naive-oracle/spec.ts';
import type { Random } from './random.ts';
import { exactFunctions, randomView, type ViewChoices } from './random-views.ts';
import { amounts, locations, loginsSpec, statuses, transactionsSpec } from './tables.ts';

const second_us = 1_000_000;
const tumbling = (seconds: number): WindowSpec => ({ kind: 'tumbling', size_us: seconds * second_us });
const columnOf = (name: string): ExpressionSpec => ({ op: 'column', name });

interface Inputs {
  readonly tx: InputSpec;
  readonly l: InputSpec;
  /** One table under a second key: a change may concern three entity partitions. */
  readonly i: InputSpec;
}

const inputsOf = (bought: TableSpec, loggedIn: TableSpec): Inputs => ({
  tx: { alias: 'tx', table: bought, keyColumns: ['user_id'] },
  l: { alias: 'l', table: loggedIn, keyColumns: ['user_id'] },
  i: { alias: 'i', table: loggedIn, keyColumns: ['invited_by'] },
});

function feature(
  name: string,
  input: string,
  aggregate: AggregateSpec,
  seconds: number,
  more: Partial<FeatureSpec> = {},
): FeatureSpec {
  return { name, input, aggregate, where: null, fallback: null, window: tumbling(seconds), ...more };
}

const count = { function: 'count' } as const;
const min = (name: string) => ({ function: 'min', value: columnOf(name) }) as const;
const max = (name: string) => ({ function: 'max', value: columnOf(name) }) as const;
const text = (value: string) => ({ op: 'literal', type: { kind: 'text' }, value }) as const;
const amount = (value: bigint) => ({ op: 'literal', type: transactionsSpec.columns[2]!.type, value }) as const;
const isOk: ExpressionSpec = { op: 'eq', left: columnOf('status'), right: text('ok') };
const isCheapElsewhere: ExpressionSpec = {
  op: 'and',
  terms: [
    { op: 'lt', left: columnOf('amount'), right: amount(1000n) },
    { op: 'ne', left: columnOf('location'), right: text('Oulu') },
  ],
};
const view = (name: string, inputs: readonly InputSpec[], features: readonly FeatureSpec[]): ViewSpec => ({
  ...{ name, inputs, features, derived: [], emit: { kind: 'changes' } },
});

function writtenViews({ tx, l, i }: Inputs): ViewSpec[] {
  return [
    view(
      'spending',
      [tx],
      [
        feature('purchases_10s', 'tx', count, 10),
        feature('purchases_60s', 'tx', count, 60),
        feature('ok_60s', 'tx', count, 60, { where: isOk }),
        feature('cheap_elsewhere_60s', 'tx', count, 60, { where: isCheapElsewhere }),
        feature('largest_60s', 'tx', max('amount'), 60),
        feature('smallest_ok_10s', 'tx', min('amount'), 10, { where: isOk, fallback: 0n }),
        feature('newest_60s', 'tx', max('transaction_time'), 60),
        feature('place_60s', 'tx', max('location'), 60),
      ],
    ),
    view(
      'activity',
      [tx, l],
      [
        feature('bought_60s', 'tx', count, 60),
        feature('unplaced_10s', 'tx', count, 10, { where: { op: 'isNull', term: columnOf('location') } }),
        feature('logins_60s', 'l', count, 60),
        feature('failures_10s', 'l', count, 10, { where: { op: 'not', term: columnOf('success') } }),
        feature('first_login_60s', 'l', min('login_time'), 60),
        feature('device_60s', 'l', max('device'), 60),
      ],
    ),
    view(
      'referrals',
      [i],
      [
        feature('invited_10s', 'i', count, 10),
        feature('invited_60s', 'i', count, 60),
        feature('highest_invited_60s', 'i', max('user_id'), 60),
      ],
    ),
  ];
}

/** Values that are there, or beside one that is. */
function valuesOf({ name, type }: ColumnSpec): readonly Scalar[] {
  if (name === 'amount') return amounts.map((each) => BigInt(each.replace('.', '')));
  if (name === 'status') return statuses;
  if (name === 'location') return locations.filter((each) => each !== null);
  if (type.kind === 'int32') return [-3, -1, 0, 2];
  if (type.kind === 'int64') return [3n, 7n, 9_007_199_254_740_993n, 9_007_199_254_741_050n];
  return type.kind === 'boolean' ? [true, false] : [BigInt(Date.UTC(2026, 0, 1)) * 1000n];
}

function randomWindow(random: Random, kinds: readonly WindowSpec['kind'][]): WindowSpec {
  const seconds = (low: number, high: number): number => random.between(low, high) * second_us;
  const kind = random.pick(kinds);
  switch (kind) {
    case 'tumbling':
      return tumbling(random.pick([5, 10, 20, 60]));
    case 'hopping': {
      const hop_us = seconds(2, 10);
      return { kind, hop_us, size_us: hop_us * random.between(1, 6) };
    }
    case 'sliding': {
      const size_us = seconds(3, 50);
      return { kind, size_us, resolution_us: Math.min(size_us, seconds(1, 10)) };
    }
    case 'session':
      return { kind, gap_us: seconds(1, 15) };
    case 'unbounded':
      return { kind };
  }
}

const endlessLateness_us = 3_600 * second_us;

/**
 * The views of a run. Those with sessions take rows however late they come: which of them a session refuses depends on the order of their
 * arrival, which the oracle of the simulator does not see. In those without, a minute of each input decides whether a row is late.
 */
export function simulatedEntity(random: Random): EntitySpec {
  const kind = random.weighted([
    [3, 'written'],
    [4, 'panes'],
    [3, 'sessions'],
  ] as const);
  if (kind === 'written') return entityOf(writtenViews(inputsOf(transactionsSpec, loginsSpec)));
  const allowedLateness_us = kind === 'sessions' ? endlessLateness_us : 0;
  const own = (table: TableSpec): TableSpec => ({ ...table, allowedLateness_us });
  const inputs = Object.values(inputsOf(own(transactionsSpec), own(loginsSpec))) as InputSpec[];
  const kinds: WindowSpec['kind'][] = ['tumbling', 'hopping', 'sliding', 'sliding', 'unbounded'];
  if (kind === 'sessions') kinds.push('session', 'session', 'session');
  const choices: ViewChoices = {
    ...{ inputs, values: valuesOf, functions: exactFunctions },
    windows: (draw) => randomWindow(draw, kinds),
    emit: [{ kind: 'changes' }, { kind: 'changes' }, { kind: 'every', interval_us: 2 * second_us }],
  };
  const names = ['first', 'second', 'third'].slice(0, random.between(1, 3));
  return entityOf(names.map((name) => withMinutes(randomView(random, name, choices))));
}

/** The views that people wrote. */
export const writtenEntity = entityOf(writtenViews(inputsOf(transactionsSpec, loginsSpec)));

function withMinutes(spec: ViewSpec): ViewSpec {
  const minutes = spec.inputs.map(({ alias }) => feature(`minute_${alias}`, alias, count, 60));
  return { ...spec, features: [...spec.features, ...minutes] };
}

function entityOf(views: readonly ViewSpec[]): EntitySpec {
  const used = [...new Set(views.flatMap(({ inputs }) => inputs.map(({ table }) => table)))];
  return {
    name: 'user',
    key: [{ name: 'user_id', kind: 'int64' }],
    partitions: 3,
    tables: used,
    views: [...views].sort((a, b) => (a.name < b.name ? -1 : 1)),
  };
}
