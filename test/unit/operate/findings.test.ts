/** What doctor says of what it sees. */
import { expect, test } from 'vitest';
import type { TopicInfo } from '../../../src/log/log.ts';
import { connectorFindings, type ConnectorState } from '../../../src/operate/connector-findings.ts';
import { fine, hasFault, renderFindings, warning, type Finding } from '../../../src/operate/findings.ts';
import { postgresFindings, type PostgresState } from '../../../src/operate/postgres-findings.ts';
import { redisFindings, type RedisFacts } from '../../../src/operate/redis-findings.ts';
import { orphans, topicFindings } from '../../../src/operate/topic-findings.ts';
import { internalTopics } from '../../../src/worker/topics.ts';
import { plan, transactionsPlan } from '../../support/shop.ts';

const wrong = (findings: readonly Finding[]): string[] =>
  findings.flatMap(({ level, what, says }) => (level === 'ok' ? [] : [`${level}: ${what}: ${says}`]));

const internal = internalTopics('millrace', plan);
const info = (name: string, partitions: number): [string, TopicInfo] => [
  name,
  { name, id: '0'.repeat(32), partitions },
];
const allTopics = new Map([
  info('dbserver.public.transactions', 3),
  info('__debezium-heartbeat.dbserver', 1),
  ...internal.map(({ name, partitions }) => info(name, partitions)),
]);

test('topics that are as the definitions say are fine', () => {
  const findings = topicFindings(plan, internal, allTopics);
  expect(wrong(findings)).toEqual([]);
  expect(findings).toHaveLength(allTopics.size);
});

test('a source topic that is missing is a fault, one of our own that is missing a warning, one of another size a fault', () => {
  const there = new Map(allTopics);
  there.delete('dbserver.public.transactions');
  there.delete('__debezium-heartbeat.dbserver');
  there.delete('millrace.user.g1.changelog');
  there.set(...info('millrace.user.g1.entity-log', 5));
  expect(wrong(topicFindings(plan, internal, there))).toEqual([
    'fault: source topic dbserver.public.transactions: does not exist',
    'warning: heartbeats __debezium-heartbeat.dbserver: the topic does not exist',
    'fault: topic millrace.user.g1.entity-log: has 5 partitions, the definition says 3',
    'warning: topic millrace.user.g1.changelog: does not exist',
  ]);
});

test('orphans are topics of this application that nothing uses, and no others', () => {
  const names = [
    ...allTopics.keys(),
    'millrace.user.g0.changelog',
    'millrace.shop.g1.entity-log',
    'millrace.eu.user.g0.changelog',
    'millrace.notes',
    'other.user.g0.changelog',
  ];
  expect(orphans('millrace', internal, names)).toEqual(['millrace.shop.g1.entity-log', 'millrace.user.g0.changelog']);
});

const connector = (change: Record<string, string> = {}, state: Partial<ConnectorState> = {}): ConnectorState => ({
  config: {
    'topic.prefix': 'dbserver',
    'decimal.handling.mode': 'string',
    'time.precision.mode': 'microseconds',
    'heartbeat.interval.ms': '1000',
    'poll.interval.ms': '1',
    'skipped.operations': 'none',
    ...change,
  },
  states: ['RUNNING', 'RUNNING'],
  trace: null,
  ...state,
});

test('a connector that is set up as the definitions say is fine', () => {
  expect(wrong(connectorFindings('shop', plan, connector()))).toEqual([]);
});

test.each([
  [
    { 'decimal.handling.mode': 'precise' },
    'fault: connector shop, decimal.handling.mode: is precise, the definitions say string',
  ],
  [{ 'time.precision.mode': '' }, 'fault: connector shop, time.precision.mode: is , the definitions say microseconds'],
  [{ 'topic.prefix': 'other' }, 'fault: connector shop: its topic.prefix is "other", of which no table is defined'],
  [{ transforms: 'unwrap' }, 'warning: connector shop, transforms: are unwrap'],
  [{ 'message.key.columns': 'a:b' }, 'fault: connector shop, message.key.columns: is set'],
  [{ 'skipped.operations': 't' }, 'warning: connector shop, skipped.operations: is t'],
  [{ 'heartbeat.interval.ms': '0' }, 'warning: connector shop, heartbeat.interval.ms: is not set'],
  [{ 'poll.interval.ms': '500' }, 'warning: connector shop, poll.interval.ms: is 500'],
])('a connector with %j', (change, expected) => {
  expect(wrong(connectorFindings('shop', plan, connector(change)))).toEqual([expected]);
});

test('what a connector leaves out has Debezium’s default', () => {
  const { config } = connector();
  const given = Object.fromEntries(Object.entries(config).filter(([name]) => name === 'topic.prefix'));
  expect(
    wrong(connectorFindings('shop', plan, { ...connector(), config: given })).map((line) => line.split(': ')[1]),
  ).toEqual([
    'connector shop, decimal.handling.mode',
    'connector shop, time.precision.mode',
    'connector shop, skipped.operations',
    'connector shop, heartbeat.interval.ms',
    'connector shop, poll.interval.ms',
  ]);
});

test('a connector whose task failed says why', () => {
  const failed = connector({}, { states: ['RUNNING', 'FAILED'], trace: 'PSQLException: no' });
  expect(wrong(connectorFindings('shop', plan, failed))).toEqual([
    'fault: connector shop: is RUNNING, FAILED: PSQLException: no',
  ]);
});

function postgres(
  change: Partial<PostgresState> = {},
  table: Partial<PostgresState['tables'][number]> = {},
): PostgresState {
  const columns = transactionsPlan.columns.map(({ name, nullable }) => ({ name, nullable }));
  return {
    walLevel: 'logical',
    tables: [{ name: 'public.transactions', replicaIdentity: 'f', columns, ...table }],
    slots: [{ name: 'debezium', active: true, walStatus: 'reserved', behind_bytes: 4096 }],
    ...change,
  };
}

test('a database that is set up as the definitions say is fine', () => {
  expect(wrong(postgresFindings(plan, postgres()))).toEqual([]);
});

test.each([
  [postgres({ walLevel: 'replica' }), 'fault: wal_level: is replica'],
  [postgres({ tables: [] }), 'fault: table public.transactions: does not exist in this database'],
  [postgres({ slots: [] }), 'warning: replication slots: there is none for logical decoding'],
  [postgres({}, { replicaIdentity: 'd' }), expect.stringContaining('its replica identity is not full')],
  [
    postgres({}, { columns: postgres().tables[0]!.columns.filter(({ name }) => name !== 'amount') }),
    'fault: table public.transactions: has no column amount',
  ],
  [
    postgres({}, { columns: postgres().tables[0]!.columns.map(({ name }) => ({ name, nullable: true })) }),
    'fault: table public.transactions: its event time transaction_time may be null',
  ],
])('a database with a fault: %#', (state, expected) => {
  expect(wrong(postgresFindings(plan, state))).toEqual([expected]);
});

test.each([
  [{ active: false }, 'is read by nobody'],
  [{ walStatus: 'lost' }, 'has lost changes'],
  [{ behind_bytes: 2 * 1024 ** 3 }, 'is 2048 MiB behind'],
])('a slot with %j', (change, expected) => {
  const slot = { ...postgres().slots[0]!, ...change };
  expect(wrong(postgresFindings(plan, postgres({ slots: [slot] })))).toEqual([expect.stringContaining(expected)]);
});

const redis: RedisFacts = {
  version: '7.0.15',
  policy: 'noeviction',
  maxmemory_bytes: 1000,
  used_bytes: 100,
  role: 'master',
};

test('a Redis that is fit is fine, also where the service hides what it is', () => {
  expect(wrong(redisFindings(redis))).toEqual([]);
  expect(wrong(redisFindings({ ...redis, policy: null, role: '', maxmemory_bytes: 0 }))).toEqual([]);
});

test.each([
  [{ version: '6.2.1' }, 'fault: redis version: is 6.2.1'],
  [{ policy: 'allkeys-lru' }, 'warning: redis maxmemory-policy: is allkeys-lru'],
  [{ used_bytes: 900 }, 'warning: redis memory: 90 % used'],
  [{ role: 'slave' }, 'fault: redis role: is slave'],
])('a Redis with %j', (change, expected) => {
  expect(wrong(redisFindings({ ...redis, ...change }))).toEqual([expected]);
});

test('findings as text: what is wrong has below it what to do', () => {
  const findings = [fine('a', 'is so'), warning('b', 'is not', 'do this')];
  expect(renderFindings(findings)).toBe(
    'ok       a: is so\nwarning  b: is not\n         → do this\n\n1 ok, 1 warnings, 0 faults\n',
  );
  expect(hasFault(findings)).toBe(false);
});
