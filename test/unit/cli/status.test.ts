/** `millrace status` as an operator runs it, on a worker that runs. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startEmbedded, type Embedded } from '../../../src/cli/embedded.ts';
import { silentLogger } from '../../../src/observability/logger.ts';
import type { FleetStatus } from '../../../src/operate/fleet-status.ts';
import { millrace, type Ended } from '../../support/command.ts';
import { envelope, transactionFields } from '../../support/envelope.ts';
import { plan } from '../../support/shop.ts';

let folder: string;
let embedded: Embedded;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-status-'));
  embedded = await startEmbedded({ plan, dataDir: folder, http: { host: '127.0.0.1', port: 0 }, logger: silentLogger });
  const now_us = Date.now() * 1000;
  const row = { id: 1, user: 1, cents: 100, status: 'ok', location: null, time_us: now_us };
  const producer = await embedded.log.producer({ name: 'test', failed: () => undefined });
  const value = envelope({ after: transactionFields(row), commit_us: now_us });
  producer.append('dbserver.public.transactions', 0, Buffer.from('1'), value);
  await embedded.settled();
});
afterAll(async () => {
  await embedded.stop();
  await rm(folder, { recursive: true });
});

const status = (...args: readonly string[]): Promise<Ended> =>
  millrace(['status', ...args], { PATH: process.env['PATH'] });

test('--json: what the worker owns, how far it is, how fresh its values are', async () => {
  const { code, output } = await status('--workers', embedded.url, '--json');
  expect(code).toBe(0);
  const { workers, kinds, views } = JSON.parse(output) as FleetStatus;
  expect(workers).toMatchObject([
    { address: embedded.url, problem: null, tasks: { ingest: 3, entity: 3, offline: 3 } },
  ]);
  expect(kinds.map(({ kind, partitions, owned }) => [kind, partitions, owned])).toEqual([
    ['entity', 3, 3],
    ['ingest', 3, 3],
    ['offline', 3, 3],
  ]);
  expect(views).toMatchObject([{ view: 'user_features', values: 1 }]);
  expect(views[0]!.freshness_p99_seconds).toBeGreaterThan(0);
});

test('as text; a worker that does not answer is named, with the reason', async () => {
  const { code, output } = await status('--workers', `${embedded.url}, http://127.0.0.1:64999`);
  expect(code).toBe(0);
  expect(output).toMatch(/^http:\/\/127\.0\.0\.1:64999 .*ECONNREFUSED/m);
  expect(output).toMatch(/^entity +3 +3 +/m);
  expect(output).toMatch(/^user_features +1 +/m);
});

test('no worker at all is a failure', async () => {
  expect((await status('--workers', 'http://127.0.0.1:64999')).code).toBe(1);
});

test.each([
  ['127.0.0.1:8080', /"127.0.0.1:8080" is not the address of a worker, such as http:\/\/host:8080/],
  ['http://no-such-host.invalid:8080', /the host of http:\/\/no-such-host.invalid:8080 is not known/],
])('%s is refused with the reason', async (address, reason) => {
  const { code, errors } = await status('--workers', address);
  expect(code).toBe(1);
  expect(errors).toMatch(reason);
});
