import { Redis } from 'ioredis';
import { afterEach, expect, test } from 'vitest';
import { RetriableError } from '../../src/errors.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { createRedisOnlineStore } from '../../src/online/redis/redis-online-store.ts';
import type { OnlineWrite } from '../../src/online/online-store.ts';
import { RedisServer } from '../support/redis-server.ts';
import { onlineStoreSuite } from '../conformance/online-store.suite.ts';

const logger = silentLogger;
const url = (): string => process.env['MILLRACE_REDIS_URL']!;

onlineStoreSuite('redis', () => createRedisOnlineStore({ url: url(), logger }));

const servers: RedisServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.kill()));
});

async function startServer(...settings: string[]): Promise<RedisServer> {
  const server = await RedisServer.start(...settings);
  servers.push(server);
  return server;
}

const write = (position: number): OnlineWrite => ({
  key: 'user_features:1',
  view: { name: 'user_features', fields: ['count'] },
  generation: 1,
  position,
  asOf_us: 1,
  values: [String(position)],
});

test('a wrong address says where it looked and what to check', async () => {
  await expect(createRedisOnlineStore({ url: 'redis://:hunter2@127.0.0.1:1', logger })).rejects.toThrow(
    /^cannot reach Redis at 127\.0\.0\.1:1: .*ECONNREFUSED.*; check MILLRACE_REDIS_URL/,
  );
});

test('a refused login says which settings to check, without the password', async () => {
  const server = await startServer('--requirepass', 'right');
  const refused = createRedisOnlineStore({ url: server.url, password: 'hunter2', logger });
  await expect(refused).rejects.toThrow(/refuses the login: WRONGPASS.*MILLRACE_REDIS_PASSWORD/);
  await expect(refused).rejects.not.toThrow(/hunter2/);
});

test('a server that lost its functions gets them back', async () => {
  const server = await startServer();
  const store = await createRedisOnlineStore({ url: server.url, logger });
  const redis = new Redis(server.url);
  await store.upsert([write(1)]);
  await redis.function('FLUSH');
  expect((await store.upsert([write(2)])).stored).toMatchObject([{ applied: true, position: 2 }]);
  redis.disconnect();
  await store.close();
});

test('while the server is away a write is retriable, and works again after it is back', async () => {
  const server = await startServer();
  const store = await createRedisOnlineStore({ url: server.url, logger, commandTimeout_ms: 300 });
  await store.upsert([write(1)]);
  await server.kill();
  await expect(store.upsert([write(2)])).rejects.toThrow(RetriableError);
  await server.start();
  await expect
    .poll(() => store.upsert([write(3)]).catch((error: unknown) => error), { timeout: 10_000 })
    .toMatchObject({ stored: [{ applied: true, position: 3 }] });
  await store.close();
});

test('a server that hangs does not hold a write longer than the timeout', async () => {
  const server = await startServer();
  const store = await createRedisOnlineStore({ url: server.url, logger, commandTimeout_ms: 200 });
  const redis = new Redis(server.url);
  await redis.call('CLIENT', 'PAUSE', '2000', 'ALL');
  await expect(store.upsert([write(1)])).rejects.toThrow(RetriableError);
  redis.disconnect();
  await store.close();
});
