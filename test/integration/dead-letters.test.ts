/** The commands for dead letters, on a real broker that has deleted the oldest of them. */
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
import { deleteTopics } from '../support/captured-shop.ts';
import { millrace, type Ended } from '../support/command.ts';
import { deleteBefore } from '../support/delete-records.ts';
import { envelope, transactionFields } from '../support/envelope.ts';
import { until } from '../support/until.ts';
import { WorkerProcess } from '../support/worker-process.ts';

const id = randomBytes(4).toString('hex');
const application = `dead-letters-${id}`;
const prefix = `dead_${id}`;
const topic = `${prefix}.public.transactions`;
const letterTopic = `${application}.dead-letters`;
const brokers = process.env['MILLRACE_KAFKA_BROKERS']!;

let folder: string;
let log: Log;

const run = (...args: readonly string[]): Promise<Ended> =>
  millrace(['dead-letters', ...args], { ...process.env, MILLRACE_APPLICATION_ID: application });

async function definitions(location: string, { more = '', generation = 1 } = {}): Promise<string> {
  const file = join(folder, `features-${randomBytes(2).toString('hex')}.ts`);
  await writeFile(
    file,
    `import { count, debezium, entity, featureView, int64, text, timestamp, tumbling } from 'millrace';
     const t = debezium({ prefix: '${prefix}${more}', decimals: 'string', times: 'microseconds' }).table('public.transactions', {
       columns: { transaction_id: int64(), user_id: int64(), location: ${location}, transaction_time: timestamp(6) },
       primaryKey: ['transaction_id'], replicaIdentity: 'full', time: { event: 'transaction_time' },
     });
     export const view = featureView('view', {
       entity: entity('user', { key: { user_id: int64() }, generation: ${generation} }), from: { t: t.by({ user_id: 'user_id' }) },
       features: ({ t }) => ({ n: count(t).over(tumbling('5m')) }),
     });`,
  );
  return file;
}

const row = (n: number): Buffer => {
  const time_us = 1_800_000_000_000_000 + n;
  const after = transactionFields({ id: n, user: 1, cents: 1, status: 'ok', location: null, time_us });
  return envelope({ after, commit_us: time_us, sequence: [null, n] });
};

beforeAll(async () => {
  folder = await mkdtemp(fileURLToPath(new URL('../../.stack/dead-letters-', import.meta.url)));
  log = await createKafkaLog({ settings: { 'bootstrap.servers': brokers }, clock: systemClock, logger: silentLogger });
  const deletable = { partitions: 1, config: { 'cleanup.policy': 'delete' } };
  await log.ensureTopics([
    { name: topic, ...deletable },
    { name: letterTopic, ...deletable },
  ]);
  const producer = await log.producer({ name: 'test', failed: () => undefined });
  for (let offset = 0; offset < 4; offset++) {
    const value = row(offset);
    producer.append(topic, 0, Buffer.from(`key ${offset}`), value);
    const record = { topic, partition: 0, offset, key: Buffer.from(`key ${offset}`), value, timestamp_ms: 1000 };
    const error = new RecordError('record-undecodable', 'location is null');
    appendDeadLetter(producer, letterTopic, { record, error, readers: ['user/1'] });
  }
  await producer.close();
  await deleteBefore(letterTopic, 0, 1);
});
afterAll(async () => {
  await log.close();
  await deleteTopics([topic, letterTopic]);
  await rm(folder, { recursive: true });
});

test('list: those that are kept, though the first ones are not; of one reason only', async () => {
  const { code, output, errors } = await run('list', '--json');
  expect(code, errors).toBe(0);
  expect((JSON.parse(output) as DeadLetter[]).map(({ offset }) => offset)).toEqual([1, 2, 3]);
  expect((await run('list', '--code', 'row-unusable')).output).toBe('none\n');
});

test('show: one, whole; and what is none says so', async () => {
  const { output } = await run('show', topic, '0', '2');
  expect(output).toBe(
    `${topic}/0 at 2, 1970-01-01T00:00:01.000Z, record-undecodable\nlocation is null\n\nkey\nkey 2\n\nvalue\n${row(2).toString()}\n`,
  );
  expect(JSON.parse((await run('show', topic, '0', '2', '--json')).output)).toMatchObject({ offset: 2 });
  const missing = await run('show', topic, '0', '9');
  expect(missing.code).toBe(1);
  expect(missing.errors).toContain(`${topic}/0 at 9 is no dead letter`);
});

test('check: refused still, usable once the cause is repaired, and gone once the topic has let them go', async () => {
  const look = async (location: string): Promise<{ code: number; findings: readonly Finding[] }> => {
    const { code, output, errors } = await run('check', await definitions(location), '--json');
    expect(output, errors).not.toBe('');
    return { code, findings: JSON.parse(output) as Finding[] };
  };
  const before = await look('text()');
  expect(before.code).toBe(1);
  expect(before.findings).toMatchObject([{ level: 'fault', says: expect.stringContaining('would be refused again') }]);
  const repaired = await look('text().nullable()');
  expect(repaired.code).toBe(0);
  expect(repaired.findings).toMatchObject([
    { level: 'warning', says: expect.stringMatching(/^3 records.* still in the/) },
  ]);
  await deleteBefore(topic, 0, 3);
  const late = await look('text().nullable()');
  expect(late.code).toBe(1);
  expect(late.findings.map(({ level, says }) => [level, says.slice(0, 8)])).toEqual([
    ['warning', '1 record'],
    ['fault', '2 record'],
  ]);
});

test('replay: not by the generation that refused it; waits until the next one has read it in its place', async () => {
  const source = `${prefix}_replay.public.transactions`;
  await log.ensureTopics([{ name: source, partitions: 1, config: { 'cleanup.policy': 'delete' } }]);
  const producer = await log.producer({ name: 'test', failed: () => undefined });
  for (let n = 0; n < 3; n++) producer.append(source, 0, Buffer.from(String(n)), row(n));
  await producer.close();
  const env = { MILLRACE_APPLICATION_ID: `${application}-replay`, MILLRACE_ROLES: 'ingest' };
  const replay = (file: string, timeout: string): Promise<Ended> =>
    millrace(['dead-letters', 'replay', file, '--timeout', timeout, '--json'], { ...process.env, ...env });
  const told = ({ output }: Ended): unknown =>
    (JSON.parse(output) as Finding[]).map(({ level, says }) => [level, says]);
  const all = (level: string, says: string): unknown => [
    [level, expect.stringContaining(`3 records, the last at ${source}/0, offset 2, ${says}`)],
  ];

  const first = new WorkerProcess(await definitions('text()', { more: '_replay' }), env);
  await until('it has refused all', async () => (await first.total('millrace_dead_letters_total')) === 3);
  await first.stop();
  const unraised = await replay(await definitions('text().nullable()', { more: '_replay' }), '1m');
  expect(told(unraised)).toEqual(all('fault', 'can be used by these definitions, but generation 1 of user went on'));
  expect(unraised.code).toBe(1);
  const raised = await definitions('text().nullable()', { more: '_replay', generation: 2 });
  const early = await replay(raised, '0s');
  expect(told(early)).toEqual(all('fault', 'can be used, and generation 2 of user has still to come to them'));
  expect(early.code).toBe(1);

  const waiting = replay(raised, '2m');
  const second = new WorkerProcess(raised, env);
  const done = await waiting;
  await second.stop();
  expect(told(done), done.errors).toEqual(all('ok', 'were read by generation 2 of user in their places'));
  expect(done.errors).toContain('3 are still to be read');
  expect(done.code).toBe(0);
  const names = (await log.topicNames()).filter((name) => name.startsWith(`${application}-replay.`));
  await deleteTopics([source, ...names]);
});

test('replay: a timeout that is none is named', async () => {
  const { code, errors } = await run('replay', await definitions('text()'), '--timeout', 'soon');
  expect(code).toBe(1);
  expect(errors).toContain('--timeout is "soon" is not a duration');
});
