/** What a newcomer gets wrong first: `millrace worker` ends with code 1 and says what to do. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WorkerProcess } from '../support/worker-process.ts';

const fraud = 'examples/fraud/features.ts';
let application: string;
let folder: string;
const workers: WorkerProcess[] = [];

beforeAll(async () => {
  application = `mistakes-${randomBytes(4).toString('hex')}`;
  folder = await mkdtemp(fileURLToPath(new URL('../../.stack/mistakes-', import.meta.url)));
});
afterAll(async () => {
  for (const worker of workers) await worker.stop('SIGKILL');
  await rm(folder, { recursive: true });
});

/** Runs a worker that cannot start. @returns what it said. */
async function lastWords(definitions: string, env: Readonly<Record<string, string>>): Promise<string> {
  const worker = new WorkerProcess(definitions, { MILLRACE_APPLICATION_ID: application, ...env });
  workers.push(worker);
  expect(await worker.exited()).toBe(1);
  return worker.said.filter((line) => !line.startsWith('{')).join('\n');
}

test('a definition with an error: each fault with its path', async () => {
  const file = join(folder, 'faulty.ts');
  await writeFile(
    file,
    `import { count, debezium, entity, featureView, int64, timestamp, tumbling } from 'millrace';
     const user = entity('user', { key: { user_id: int64() } });
     const t = debezium({ prefix: 'p' }).table('public.t', {
       columns: { id: int64(), user_id: int64(), at: timestamp(3) }, primaryKey: ['idd' as never],
       time: { event: 'at', outOfOrderness: '5 s' as never },
     });
     export const faulty = featureView('faulty', {
       entity: user, from: { t: t.by({ user_id: 'user' as never }) },
       features: ({ t }) => ({ 'n!': count(t).over(tumbling('5m')) }),
     });`,
  );
  const said = await lastWords(file, {});
  expect(said).toContain(`${file} has faults:`);
  expect(said).toContain('(table public.t).primaryKey: no column "idd"; the table declares id, user_id, at');
  expect(said).toContain('(table public.t).time.outOfOrderness: "5 s" is not a duration');
  expect(said).toContain('faulty.from.t.by.user_id: no column "user" in table public.t');
  expect(said).toContain('faulty.features.n!: a feature name must start with a letter');
});

test('settings that are missing or wrong: all at once', async () => {
  const said = await lastWords(fraud, {
    MILLRACE_KAFKA_BROKERS: '',
    MILLRACE_REDIS_URL: 'localhost:6379',
    MILLRACE_HTTP_PROT: '1',
  });
  expect(said).toContain('MILLRACE_KAFKA_BROKERS is not set; for example MILLRACE_KAFKA_BROKERS=localhost:9092');
  expect(said).toContain('MILLRACE_REDIS_URL is "localhost:6379": must start with redis:// or rediss://');
  expect(said).toContain('MILLRACE_HTTP_PROT is not a setting; did you mean MILLRACE_HTTP_PORT?');
});

test('a topic that does not exist: its name, its table, and where to look', async () => {
  const file = join(folder, 'elsewhere.ts');
  await writeFile(
    file,
    `import { count, debezium, entity, featureView, int64, timestamp, tumbling } from 'millrace';
     const t = debezium({ prefix: 'nowhere' }).table('public.t', {
       columns: { id: int64(), at: timestamp(3) }, primaryKey: ['id'], time: { event: 'at' },
     });
     export const view = featureView('view', {
       entity: entity('thing', { key: { id: int64() } }), from: { t: t.by({ id: 'id' }) },
       features: ({ t }) => ({ n: count(t).over(tumbling('5m')) }),
     });`,
  );
  const said = await lastWords(file, {});
  expect(said).toContain('nowhere.public.t (table public.t)');
  expect(said).toMatch(/topic\.prefix.*table\.include\.list/);
});

test('a Redis that is not there: its address and the setting', async () => {
  const said = await lastWords(fraud, { MILLRACE_REDIS_URL: 'redis://:hush@127.0.0.1:1' });
  expect(said).toMatch(/127\.0\.0\.1:1/);
  expect(said).toContain('MILLRACE_REDIS_URL');
  expect(said).not.toContain('hush');
});

test('a Kafka that is not there: its address and the setting', async () => {
  const said = await lastWords(fraud, { MILLRACE_KAFKA_BROKERS: '127.0.0.1:1' });
  expect(said).toContain('cannot reach Kafka at 127.0.0.1:1; check MILLRACE_KAFKA_BROKERS');
});

test('a bucket that does not exist: its name and the setting', async () => {
  const said = await lastWords(fraud, { MILLRACE_S3_BUCKET: 'no-such-bucket' });
  expect(said).toContain('no-such-bucket');
  expect(said).toContain('MILLRACE_S3_BUCKET');
});

test('a port that is taken: the port and the setting', async () => {
  const { port } = new URL(process.env['CONNECT_URL']!);
  const said = await lastWords(fraud, { MILLRACE_HTTP_HOST: '127.0.0.1', MILLRACE_HTTP_PORT: port });
  expect(said).toContain(`cannot listen on 127.0.0.1:${port}: another process listens there; set MILLRACE_HTTP_PORT`);
});
