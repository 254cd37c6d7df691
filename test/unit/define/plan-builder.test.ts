import { expect, test } from 'vitest';
import { buildPlan } from '../../../src/define/plan-builder.ts';
import { InvalidError } from '../../../src/errors.ts';
import {
  and,
  boolean,
  count,
  debezium,
  decimal,
  entity,
  eq,
  featureView,
  gt,
  int32,
  int64,
  text,
  timestamp,
  tumbling,
  type FeatureView,
} from '../../../src/index.ts';

const user = entity('user', { key: { user_id: int64() } });
const shop = debezium({ prefix: 'p' });
const columns = {
  id: int64(),
  user_id: int64(),
  name: text().nullable(),
  price: decimal(12, 2),
  paid: boolean(),
  at: timestamp(6),
  maybe_at: timestamp(6).nullable(),
};

/** What differs from a definition without faults. JavaScript callers can pass anything, so may this. */
interface Overrides {
  readonly entity?: unknown;
  readonly tableName?: string;
  readonly table?: object;
  readonly columns?: object;
  readonly by?: object;
  readonly from?: (table: never) => object;
  readonly features?: (inputs: never) => object;
  readonly name?: string;
  readonly onlineKey?: string;
}

type Inputs = Record<'tx', { [Name in keyof typeof columns]: never } & { inputName: string; timed: true }>;

const counted = ({ tx }: Inputs): object => ({ n: count(tx).over(tumbling('5m')) });

function viewOf(o: Overrides = {}): FeatureView {
  const table = shop.table(o.tableName ?? 'public.orders', {
    columns: { ...columns, ...o.columns },
    primaryKey: ['id'],
    replicaIdentity: 'full',
    time: { event: 'at' },
    ...o.table,
  } as never);
  return featureView(o.name ?? 'orders', {
    entity: o.entity ?? user,
    from: o.from?.(table as never) ?? { tx: table.by((o.by ?? { user_id: 'user_id' }) as never) },
    features: o.features ?? counted,
    ...(o.onlineKey === undefined ? {} : { online: { key: o.onlineKey } }),
  } as never);
}

function faultsOf(views: Readonly<Record<string, FeatureView>>): readonly string[] {
  try {
    buildPlan(views);
  } catch (error) {
    if (error instanceof InvalidError) return error.problems;
    throw error;
  }
  return [];
}

const table = 'v.from.tx (table public.orders)';
const declared = 'the table declares id, user_id, name, price, paid, at, maybe_at';
const keyed = (key: object): object => entity('user', { key } as never);

const tableFaults: readonly (readonly [string, Overrides, readonly string[]])[] = [
  [
    'a table name without its schema',
    { tableName: 'orders' },
    ['v.from.tx (table orders): "orders" must be schema.table, such as public.transactions'],
  ],
  [
    'no primary key',
    { table: { primaryKey: [] } },
    [`${table}.primaryKey: is empty; without it rows cannot be told apart`],
  ],
  [
    'a primary key that is no column',
    { table: { primaryKey: ['id', 'nope'] } },
    [`${table}.primaryKey: no column "nope"; ${declared}`],
  ],
  [
    'an event time that is no column',
    { table: { time: { event: 'nope' } } },
    [`${table}.time.event: no column "nope"; ${declared}`],
  ],
  [
    'an event time that may be null',
    { table: { time: { event: 'maybe_at' } } },
    [`${table}.time.event: column "maybe_at" may be null; an event time may not`],
  ],
  [
    'an event time that is no timestamp',
    { table: { time: { event: 'id' } } },
    [`${table}.time.event: column "id" is int64, not a timestamp`],
  ],
  [
    'durations that are none',
    { table: { time: { event: 'at', outOfOrderness: '5', maxAhead: 'x', idleTimeout: '-1s', allowedLateness: '1w' } } },
    [
      ['outOfOrderness', '5'],
      ['maxAhead', 'x'],
      ['idleTimeout', '-1s'],
      ['allowedLateness', '1w'],
    ].map(
      ([name, value]) =>
        `${table}.time.${name}: "${value}" is not a duration; write a whole number and ms, s, m, h or d, such as '5m'`,
    ),
  ],
  [
    'a scale above the precision',
    { columns: { price: decimal(2, 3) } },
    [`${table}.columns.price: decimal(2, 3) is not possible: the scale is a whole number from 0 to the precision`],
  ],
  [
    'a negative scale',
    { columns: { price: decimal(2, -1) } },
    [`${table}.columns.price: decimal(2, -1) is not possible: the scale is a whole number from 0 to the precision`],
  ],
  [
    'a timestamp precision above microseconds',
    { columns: { at: timestamp(7) } },
    [`${table}.columns.at: timestamp(7) is not possible: the precision is a whole number from 0 to 6`],
  ],
  [
    'column names that the input handle uses itself',
    { columns: { inputName: text(), timed: text() } },
    [`${table}.columns.inputName: this name is reserved`, `${table}.columns.timed: this name is reserved`],
  ],
];

const entityFaults: readonly (readonly [string, Overrides, readonly string[]])[] = [
  [
    'a name that cannot name a topic',
    { entity: entity('us er', { key: { user_id: int64() } }) },
    ['entity us er: the name must be letters, digits, _ and -, since topics are named after it'],
  ],
  [
    'a key without fields',
    { entity: keyed({}), by: {} },
    ['entity user.key: has no field; an entity needs at least one'],
  ],
  [
    'a key field that may be null',
    { entity: keyed({ user_id: int64().nullable() }) },
    ['entity user.key.user_id: a key cannot be null'],
  ],
  [
    'a key field of a type without one text',
    { entity: keyed({ at: timestamp() }), by: { at: 'at' } },
    ['entity user.key.at: type timestamp cannot be a key; use int32, int64 or text'],
  ],
  [
    'a key field with a bad name',
    { entity: keyed({ 'user-id': int64() }), by: { 'user-id': 'user_id' } },
    ['entity user.key.user-id: the field name must be letters, digits and _'],
  ],
  ...[0, 1001, 1.5, Number.NaN].map((partitions) => {
    const message = `entity user.partitions: is ${partitions}; it must be a whole number from 1 to 1000`;
    return [
      `${partitions} partitions`,
      { entity: entity('user', { key: { user_id: int64() }, partitions }) },
      [message],
    ] as const;
  }),
  ...[0, -1, 1.5].map((generation) => {
    const message = `entity user.generation: is ${generation}; it must be a whole number from 1`;
    return [
      `generation ${generation}`,
      { entity: entity('user', { key: { user_id: int64() }, generation }) },
      [message],
    ] as const;
  }),
];

const pair = entity('user', { key: { user_id: int64(), name: text() } });

const viewFaults: readonly (readonly [string, Overrides, readonly string[]])[] = [
  [
    'a key column that does not exist',
    { by: { user_id: 'nope' } },
    ['v.from.tx.by.user_id: no column "nope" in table public.orders'],
  ],
  [
    'a key column of another type',
    { by: { user_id: 'name' } },
    ['v.from.tx.by.user_id: column "name" is text, the key field is int64'],
  ],
  [
    'a key field without a column',
    { entity: pair, by: { user_id: 'user_id' } },
    ['v.from.tx.by: says no column for the key field "name"'],
  ],
  [
    'a column for what is no key field',
    { by: { user_id: 'user_id', other: 'id' } },
    ['v.from.tx.by.other: is not a field of the entity key'],
  ],
  ['a bad view name', { name: 'my-view' }, ['v: the view name "my-view" must be letters, digits and _']],
  ['no features', { features: () => ({}) }, ['v.features: is empty']],
  [
    'a feature name that bookkeeping uses',
    { features: ({ tx }: Inputs) => ({ _n: count(tx).over(tumbling('5m')) }) },
    [
      'v.features._n: a feature name must start with a letter and be letters, digits and _ (a leading _ is for bookkeeping)',
    ],
  ],
  [
    'a feature of an input that is not in from',
    { features: () => ({ n: count({ inputName: 'other', timed: true }).over(tumbling('5m')) }) },
    ['v.features.n: reads "other", which is not in from; it has tx'],
  ],
  [
    'a window over a table without event time',
    { table: { time: undefined } },
    ['v.features.n: has a window, but table public.orders declares no event time (time: { event: … })'],
  ],
  [
    'a window of no size',
    { features: ({ tx }: Inputs) => ({ n: count(tx).over(tumbling('0s')) }) },
    ['v.features.n.over: the window size must be from 1s to 400d'],
  ],
  [
    'a filter that is no condition',
    { features: ({ tx }: Inputs) => ({ n: count(tx, { where: tx.name }).over(tumbling('5m')) }) },
    ['v.features.n.where: is text, not a condition'],
  ],
  [
    'a filter that compares different types',
    { features: ({ tx }: Inputs) => ({ n: count(tx, { where: eq(tx.name, tx.id) }).over(tumbling('5m')) }) },
    ['v.features.n.where: a value of type text cannot be compared with one of type int64'],
  ],
  [
    'a filter whose literal is no value of the column',
    {
      features: ({ tx }: Inputs) => ({ n: count(tx, { where: gt(tx.price, '1.001') }).over(tumbling('5m')) }),
    },
    ['v.features.n.where: "1.001" has more than 2 digits behind the point'],
  ],
  [
    'a default of the wrong type',
    {
      features: ({ tx }: Inputs) => ({
        n: count(tx)
          .over(tumbling('5m'))
          .default('zero' as never),
      }),
    },
    ['v.features.n.default: "zero" is not a literal of type int64'],
  ],
  [
    'an online key with an unknown placeholder',
    { onlineKey: 'user:{user_id}:{nope}' },
    ['v.online.key: {nope} is not a field of the entity key'],
  ],
  [
    'an online key without a key field',
    { entity: pair, by: { user_id: 'user_id', name: 'name' }, onlineKey: 'user:{user_id}' },
    ['v.online.key: the key field {name} does not occur in "user:{user_id}"'],
  ],
];

test('a definition without faults has none', () => {
  expect(faultsOf({ v: viewOf() })).toEqual([]);
});

test.each([...tableFaults, ...entityFaults, ...viewFaults])('%s is refused with its path', (_, overrides, faults) => {
  expect(faultsOf({ v: viewOf(overrides) })).toEqual(faults);
});

test('a view without inputs is refused', () => {
  const faults = faultsOf({ v: viewOf({ from: () => ({}), features: () => ({}) }) });
  expect(faults).toEqual(['v.from: is empty', 'v.features: is empty']);
});

test('no view at all is refused', () => {
  expect(faultsOf({})).toEqual(['definitions: no feature view is exported; export at least one featureView(…)']);
});

test('several faults are reported at once', () => {
  const faults = faultsOf({
    v: viewOf({
      entity: entity('user', { key: { user_id: int64() }, partitions: 0 }),
      table: { primaryKey: ['nope'], time: { event: 'id', maxAhead: 'soon' } },
      by: { user_id: 'name' },
      name: '9th',
      onlineKey: '{x}',
      features: ({ tx }: Inputs) => ({
        '': count(tx).over(tumbling('5m')),
        n: count(tx, { where: and(eq(tx.paid, true), eq(tx.name, 5)) }).over(tumbling('5m')),
      }),
    }),
  });
  const paths = faults.map((fault) => fault.slice(0, fault.indexOf(': ')));
  expect(paths).toEqual([
    'entity user.partitions',
    `${table}.primaryKey`,
    `${table}.time.event`,
    `${table}.time.maxAhead`,
    'v.from.tx.by.user_id',
    'v',
    'v.features.',
    'v.features.n.where',
    'v.online.key',
  ]);
});

test('the error lists every fault on its own line', () => {
  const build = (): unknown => buildPlan({ v: viewOf({ name: '9', onlineKey: 'x' }) });
  expect(build).toThrow(
    /^The definitions have faults:\n {2}- v: the view name .*\n {2}- v\.online\.key: the key field .*$/,
  );
});

test('two views of one name are refused', () => {
  expect(faultsOf({ b: viewOf(), a: viewOf() })).toContain('b: the view name "orders" is taken by a');
});

test('one view under two export names is refused', () => {
  const view = viewOf();
  expect(faultsOf({ first: view, second: view })).toEqual(['second: the view name "orders" is taken by first']);
});

test('two entities of one name that differ are refused', () => {
  const other = entity('user', { key: { user_id: int64() }, partitions: 5 });
  expect(faultsOf({ a: viewOf({ name: 'a' }), b: viewOf({ name: 'b', entity: other }) })).toEqual([
    'b.entity: another entity is also called "user"; give one of them another name',
  ]);
});

test('two entities of one name that say the same are one', () => {
  const same = entity('user', { key: { user_id: int64() } });
  expect(buildPlan({ a: viewOf({ name: 'a' }), b: viewOf({ name: 'b', entity: same }) }).entities).toHaveLength(1);
});

test('a table that is defined twice, differently, is refused', () => {
  const faults = faultsOf({ a: viewOf({ name: 'a' }), b: viewOf({ name: 'b', columns: { more: int32() } }) });
  expect(faults).toEqual([
    'b.from.tx (table public.orders): the table is defined twice, and differently; define it once and use it in all views',
  ]);
});

test('a table that is defined twice in the same way is one', () => {
  const [planned] = buildPlan({ a: viewOf({ name: 'a' }), b: viewOf({ name: 'b' }) }).entities;
  expect(planned!.tables).toHaveLength(1);
  expect(planned!.inputs).toHaveLength(1);
});

test('a table can be read under 12 keys of an entity, not under 13', () => {
  const names = Array.from({ length: 13 }, (_, i) => `user_${i}`);
  const wide = shop.table('public.orders', {
    columns: { id: int64(), at: timestamp(), ...Object.fromEntries(names.map((name) => [name, int64()])) },
    primaryKey: ['id'],
    time: { event: 'at' },
  } as never);
  const reading = (keys: readonly string[]): FeatureView =>
    viewOf({
      from: () => Object.fromEntries(keys.map((name) => [name, wide.by({ user_id: name } as never)])),
      features: () => ({ n: count({ inputName: 'user_0', timed: true }).over(tumbling('5m')) }),
    });
  expect(faultsOf({ v: reading(names.slice(0, 12)) })).toEqual([]);
  expect(faultsOf({ v: reading(names) })).toEqual([
    'table public.orders: is read under 13 different keys; at most 12 are possible',
  ]);
});
