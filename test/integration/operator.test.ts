/** The commands for operators on real servers: they see what is there, and what is wrong. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { RecordError } from '../../src/errors.ts';
import { createKafkaLog } from '../../src/log/kafka/kafka-log.ts';
import type { Log } from '../../src/log/log.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import type { Finding } from '../../src/operate/findings.ts';
import { systemClock } from '../../src/time/clock.ts';
import { appendDeadLetter, type DeadLetter } from '../../src/worker/dead-letters.ts';
import { CapturedShop, deleteTopics } from '../support/captured-shop.ts';
import { millrace, type Ended } from '../support/command.ts';
import { until } from '../support/until.ts';

const id = randomBytes(4).toString('hex');
const application = `operator-${id}`;
const prefix = `operator_${id}`;
const own = ['user.g1.entity-log', 'user.g1.changelog', 'user.g1.feature-log', 'dead-letters'].map(
  (name) => `${application}.${name}`,
);
const orphan = `${application}.user.g0.changelog`;

let folder: string;
let definitions: string;
let shop: CapturedShop;
let log: Log;

const run = (...args: readonly string[]): Promise<Ended> =>
  millrace(args, { ...process.env, MILLRACE_APPLICATION_ID: application });

beforeAll(async () => {
  folder = await mkdtemp(fileURLToPath(new URL('../../.stack/operator-', import.meta.url)));
  definitions = join(folder, 'features.ts');
  await writeFile(
    definitions,
    `import { count, debezium, entity, featureView, int64, timestamp, tumbling } from 'millrace';
     const t = debezium({ prefix: '${prefix}', decimals: 'string', times: 'microseconds' }).table('public.transactions', {
       columns: { transaction_id: int64(), user_id: int64(), transaction_time: timestamp(3) },
       primaryKey: ['transaction_id'], replicaIdentity: 'full', time: { event: 'transaction_time' },
     });
     export const view = featureView('view', {
       entity: entity('user', { key: { user_id: int64() } }), from: { t: t.by({ user_id: 'user_id' }) },
       features: ({ t }) => ({ n: count(t).over(tumbling('5m')) }),
     });`,
  );
  const settings = { 'bootstrap.servers': process.env['MILLRACE_KAFKA_BROKERS']! };
  log = await createKafkaLog({ settings, clock: systemClock, logger: silentLogger });
  shop = await CapturedShop.create(prefix);
  await shop.capture();
  const heartbeats = `__debezium-heartbeat.${prefix}`;
  await until('a heartbeat came', async () => (await log.describeTopics([heartbeats])).size === 1, 60_000, 200);
});
afterAll(async () => {
  await deleteTopics([...own, orphan]);
  await shop.remove();
  await log.close();
  await rm(folder, { recursive: true });
});

test('topics: what is missing is made, once; then all is well', async () => {
  const before = await run('topics', 'check', definitions);
  expect(before.output).toContain(`warning  topic ${application}.user.g1.changelog: does not exist`);
  expect(JSON.parse((await run('topics', 'create', definitions, '--json')).output)).toEqual({ created: own });
  expect((await run('topics', 'create', definitions)).output).toBe('all were there\n');
  const after = await run('topics', 'check', definitions, '--json');
  expect((JSON.parse(after.output) as Finding[]).filter(({ level }) => level !== 'ok')).toEqual([]);
  expect(after.code).toBe(0);
});

test('topics orphans: those of an earlier generation', async () => {
  expect((await run('topics', 'orphans', definitions)).output).toBe('none\n');
  await log.ensureTopics([{ name: orphan, partitions: 1, config: {} }]);
  expect(JSON.parse((await run('topics', 'orphans', definitions, '--json')).output)).toEqual({ orphans: [orphan] });
});

test('doctor: a stack that is set up as it should be has no fault; one that is not, is told what to do', async () => {
  const connector = `${process.env['CONNECT_URL']}/connectors/e2e_${prefix}`;
  const look = (): Promise<Ended> =>
    run('doctor', definitions, '--postgres', shop.databaseUrl, '--connector', connector, '--json');
  const sound = await look();
  const findings = JSON.parse(sound.output) as Finding[];
  expect(findings.filter(({ level }) => level === 'fault')).toEqual([]);
  expect(sound.code).toBe(0);
  const seen = findings.map(({ what }) => what.split(' ')[0]);
  expect(seen).toEqual(
    expect.arrayContaining(['wal_level', 'replication', 'table', 'connector', 'source', 'redis', 'bucket']),
  );

  await shop.db.query('alter table public.transactions replica identity default');
  const ill = await look();
  expect(ill.code).toBe(1);
  const faults = (JSON.parse(ill.output) as Finding[]).filter(({ level }) => level === 'fault');
  expect(faults).toMatchObject([
    { what: 'table public.transactions', fix: 'alter table public.transactions replica identity full' },
  ]);
});

test('doctor: servers that are not there are faults of their own, the others are looked at all the same', async () => {
  const env = {
    ...process.env,
    MILLRACE_APPLICATION_ID: application,
    MILLRACE_REDIS_URL: 'redis://:secret@127.0.0.1:1',
  };
  const args = ['doctor', definitions, '--postgres', 'postgres://u:secret@127.0.0.1:1/x', '--json'];
  const { code, output, errors } = await millrace(args, env);
  expect(code).toBe(1);
  const findings = JSON.parse(output) as Finding[];
  expect(findings.filter(({ level }) => level === 'fault').map(({ what }) => what)).toEqual(['postgres', 'redis']);
  expect(findings.some(({ what, level }) => what.startsWith('bucket') && level === 'ok')).toBe(true);
  expect(output + errors).not.toContain('secret');
});

test('dead-letters list: place, reason and value', async () => {
  expect((await run('dead-letters', 'list')).output).toBe('none\n');
  const producer = await log.producer({ name: 'test', failed: () => undefined });
  const record = {
    topic: shop.topic,
    partition: 1,
    offset: 7,
    key: null,
    value: Buffer.from('raw'),
    timestamp_ms: 1000,
  };
  const error = new RecordError('row-unusable', 'no old row');
  appendDeadLetter(producer, `${application}.dead-letters`, { record, error, readers: ['user/1'] });
  await producer.flush();
  const { output } = await run('dead-letters', 'list');
  expect(output).toContain(`${shop.topic}/1 at 7, 1970-01-01T00:00:01.000Z, row-unusable\n  no old row\n  raw\n`);
  const letters = JSON.parse((await run('dead-letters', 'list', '--json')).output) as DeadLetter[];
  expect(letters).toMatchObject([{ topic: shop.topic, partition: 1, offset: 7, code: 'row-unusable' }]);
});
