/** Tables of every type, and random views over them, for property tests of the entity task. Imports nothing of the engine. */
import type {
  ColumnSpec,
  EntitySpec,
  InputSpec,
  OracleRow,
  Scalar,
  TableSpec,
  TypeSpec,
  ViewSpec,
  WindowSpec,
} from '../../src/testing/simulation/naive-oracle/spec.ts';
import type { Random } from '../../src/testing/simulation/random.ts';
import { exactFunctions, randomView, type ViewChoices } from '../../src/testing/simulation/random-views.ts';

export const second_us = 1_000_000;

const column = (name: string, type: TypeSpec, nullable = true): ColumnSpec => ({ name, type, nullable });
const fixed = (name: string, type: TypeSpec): ColumnSpec => column(name, type, false);
const time = { outOfOrderness_us: 5 * second_us, maxAhead_us: 60 * second_us, idleTimeout_us: second_us };

export const events: TableSpec = {
  name: 'public.events',
  columns: [
    fixed('shard', { kind: 'text' }),
    fixed('event_id', { kind: 'int64' }),
    column('user_id', { kind: 'int64' }),
    column('place', { kind: 'text' }),
    column('small', { kind: 'int32' }),
    column('big', { kind: 'int64' }),
    column('price', { kind: 'decimal', precision: 12, scale: 2 }),
    column('wide', { kind: 'decimal', precision: 30, scale: 4 }),
    column('ratio', { kind: 'float64' }),
    column('label', { kind: 'text' }),
    column('is_ok', { kind: 'boolean' }),
    column('day', { kind: 'date' }),
    column('seen', { kind: 'timestamptz' }),
    fixed('at', { kind: 'timestamp', precision: 6 }),
  ],
  primaryKey: ['shard', 'event_id'],
  eventTime: 'at',
  ...time,
  allowedLateness_us: 0,
  appendOnly: false,
};

export const visits: TableSpec = {
  name: 'public.visits',
  columns: [
    fixed('visit_id', { kind: 'int64' }),
    fixed('user_id', { kind: 'int64' }),
    column('guest_of', { kind: 'int64' }),
    fixed('place', { kind: 'text' }),
    column('minutes', { kind: 'int32' }),
    column('score', { kind: 'float64' }),
    fixed('at', { kind: 'timestamptz' }),
  ],
  primaryKey: ['visit_id'],
  eventTime: 'at',
  ...time,
  allowedLateness_us: 20 * second_us,
  appendOnly: false,
};

export const clicks: TableSpec = {
  name: 'public.clicks',
  columns: [
    fixed('click_id', { kind: 'int32' }),
    fixed('user_id', { kind: 'int64' }),
    fixed('place', { kind: 'text' }),
    column('page', { kind: 'text' }),
    column('cost', { kind: 'decimal', precision: 12, scale: 2 }),
    fixed('at', { kind: 'timestamp', precision: 3 }),
  ],
  primaryKey: ['click_id'],
  eventTime: 'at',
  ...time,
  allowedLateness_us: 0,
  appendOnly: true,
};

const input = (alias: string, table: TableSpec, ...keyColumns: string[]): InputSpec => ({ alias, table, keyColumns });
export const inputs = [
  input('e', events, 'user_id'),
  input('v', visits, 'user_id'),
  input('g', visits, 'guest_of'),
  input('c', clicks, 'user_id'),
];
const pairs = [
  input('e', events, 'user_id', 'place'),
  input('v', visits, 'user_id', 'place'),
  input('c', clicks, 'user_id', 'place'),
];

/** Few values, so that they meet; among them those that doubles cannot hold, and texts whose order is not that of UTF-16. */
const pools: Readonly<Record<TypeSpec['kind'], readonly Scalar[]>> = {
  int32: [-2_147_483_647, -3, 0, 1, 2, 3, 2_147_483_647],
  int64: [-9_007_199_254_740_993n, -1n, 0n, 1n, 2n, 9_007_199_254_740_992n, 9_007_199_254_740_993n],
  decimal: [-500n, 0n, 1n, 999n, 1000n, 1001n, 999_999_999_999n],
  float64: [-1e16, -0.3, 0, 5e-324, 0.1, 0.2, 0.3, 1, 3, 1e16, 1.7e308],
  text: ['', 'a', 'b', 'Oulu', 'Åbo', 'a "quoted"\\place', '\uff5e', '🦊'],
  boolean: [true, false],
  date: [-1, 0, 19_000, 19_001],
  timestamp: [0n, 1_700_000_000_000_000n, 1_700_000_000_000_001n],
  timestamptz: [0n, 1_700_000_000_000_000n, 1_700_000_000_000_001n],
};

const valuesOf = ({ type }: ColumnSpec): readonly Scalar[] => {
  const pool = pools[type.kind];
  return type.kind === 'decimal' && type.precision > 18 ? pool.map((value) => (value as bigint) * 10n ** 15n) : pool;
};

/** From a second to longer than a history. */
function randomWindow(random: Random): WindowSpec {
  const seconds = (low: number, high: number): number => random.between(low, high) * second_us;
  switch (random.pick(['tumbling', 'hopping', 'sliding', 'sliding', 'session', 'unbounded'] as const)) {
    case 'tumbling':
      return { kind: 'tumbling', size_us: random.pick([seconds(1, 20), seconds(60, 400)]) };
    case 'hopping': {
      const hop_us = seconds(1, 30);
      return { kind: 'hopping', hop_us, size_us: hop_us * random.between(1, 12) };
    }
    case 'sliding': {
      const size_us = random.pick([seconds(1, 20), seconds(30, 400)]);
      return { kind: 'sliding', size_us, resolution_us: Math.min(size_us, seconds(1, 20)) };
    }
    case 'session':
      return { kind: 'session', gap_us: random.pick([seconds(1, 4), seconds(5, 60)]) };
    case 'unbounded':
      return { kind: 'unbounded' };
  }
}

export function randomEntity(random: Random, more: Partial<ViewChoices> = {}): EntitySpec {
  const isPair = random.chance(0.3);
  const choices: ViewChoices = {
    ...{
      inputs: isPair ? pairs : inputs,
      windows: randomWindow,
      values: valuesOf,
      functions: exactFunctions,
      emit: [{ kind: 'changes' }],
    },
    ...more,
  };
  const views = Array.from({ length: random.between(1, 2) }, (_, i) => randomView(random, `view_${i}`, choices));
  return entityOf(views);
}

/** Of views that give out each window once, when it closes. */
export function closingEntity(random: Random): EntitySpec {
  const window: WindowSpec = random.chance(0.5)
    ? { kind: 'tumbling', size_us: random.between(1, 30) * second_us }
    : { kind: 'session', gap_us: random.between(1, 20) * second_us };
  const own = [random.pick(inputs)];
  return randomEntity(random, { inputs: own, windows: () => window, emit: [{ kind: 'closed' }] });
}

export function entityOf(views: readonly ViewSpec[]): EntitySpec {
  const inputs = views.flatMap((view) => view.inputs);
  const key = [
    { name: 'user', kind: 'int64' as const },
    { name: 'place', kind: 'text' as const },
  ].slice(0, inputs[0]!.keyColumns.length);
  return { name: 'user', key, partitions: 1, tables: [...new Set(inputs.map(({ table }) => table))], views };
}

/** A row of the table; few users and places. */
export function randomRow(random: Random, table: TableSpec, id: number, time_us: number, users = 3): OracleRow {
  const cells = table.columns.map((each): [string, OracleRow[string]] => {
    const { name, type, nullable } = each;
    if (name === table.eventTime) return [name, BigInt(time_us)];
    if (name === 'shard') return [name, id % 2 === 0 ? 'b' : 'a'];
    if (table.primaryKey.includes(name)) return [name, type.kind === 'int64' ? BigInt(id) : id];
    if (nullable && random.chance(0.15)) return [name, null];
    if (name === 'user_id' || name === 'guest_of') return [name, BigInt(random.between(1, users))];
    if (name === 'place') return [name, random.pick(['Oulu', 'Åbo'])];
    return [name, random.pick(valuesOf(each))];
  });
  return Object.fromEntries(cells);
}
