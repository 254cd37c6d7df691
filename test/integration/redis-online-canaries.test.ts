/** Canaries in Redis: what a flush, a restart, a lost connection and a failed call do to them. */
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { FatalError, RetriableError } from '../../src/errors.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import type { OnlineStore, OnlineWrite, UpsertResult } from '../../src/online/online-store.ts';
import { createRedisOnlineStore } from '../../src/online/redis/redis-online-store.ts';
import { onlineCanarySuite } from '../conformance/online-canary.suite.ts';
import { RedisServer } from '../support/redis-server.ts';

const logger = silentLogger;

// A server of its own, since it is flushed.
let flushed: RedisServer | undefined;
let flusher: Redis | undefined;
onlineCanarySuite('redis', async () => {
  flushed = await RedisServer.start();
  const redis = (flusher = new Redis(flushed.url));
  return {
    store: await createRedisOnlineStore({ url: flushed.url, logger }),
    flush: async () => {
      await redis.flushall();
    },
  };
});
afterAll(async () => {
  flusher?.disconnect();
  await flushed?.kill();
});

let server: RedisServer;
let redis: Redis;
let store: OnlineStore;
beforeEach(async () => {
  server = await RedisServer.start();
  redis = new Redis(server.url);
  // One test takes its server away.
  redis.on('error', () => undefined);
  store = await createRedisOnlineStore({ url: server.url, logger });
});
afterEach(async () => {
  redis.disconnect();
  await store.close();
  await server.kill();
});

const key = 'millrace:canary:app.user.g1/3';
const canary = (position: number): { task: string; position: number } => ({ task: 'app.user.g1/3', position });
const write = (position: number, of = 'user_features:1'): OnlineWrite => ({
  key: of,
  view: { name: 'user_features', fields: ['count'] },
  generation: 1,
  position,
  asOf_us: 1,
  values: [String(position)],
});

const foreign = (of: string): Promise<number> => redis.hset(of, '_user_features', 'not ours');
const batch = (size: number): OnlineWrite[] => Array.from({ length: size }, (_, i) => write(i, `user_features:${i}`));

/** The first answer after the connection was lost. */
async function nextAnswer(position: number): Promise<UpsertResult> {
  let answer: UpsertResult | null = null;
  const ask = async (): Promise<void> => {
    answer ??= await store.upsert([], [canary(position)]);
  };
  await expect.poll(() => ask().catch((error: unknown) => error), { timeout: 10_000 }).toBeUndefined();
  return answer!;
}

/** The store's connection, as the server sees it. */
async function storeConnection(): Promise<{ readonly id: string; readonly waits: boolean }> {
  const own = await redis.client('ID');
  const lines = ((await redis.client('LIST')) as string).split('\n').filter((line) => !line.startsWith(`id=${own} `));
  const [, id, flags] = /^id=(\d+) .* flags=(\w+)/.exec(lines[0]!)!;
  return { id: id!, waits: flags!.includes('b') };
}

/** Makes a call that has reached the server, which holds it back. */
async function heldBack(call: () => Promise<UpsertResult>): Promise<{ readonly outcome: Promise<unknown> }> {
  await redis.call('CLIENT', 'PAUSE', '30000', 'WRITE');
  const outcome = call().catch((error: unknown) => error);
  await expect.poll(async () => (await storeConnection()).waits).toBe(true);
  return { outcome };
}

test('one small key for each task, which does not expire', async () => {
  await store.upsert([write(5)], [canary(5)]);
  expect(await redis.get(key)).toBe('5');
  expect(await redis.ttl(key)).toBe(-1);
});

test('a restart without persistence: another incarnation, and no canary', async () => {
  const before = await store.upsert([write(5)], [canary(5)]);
  await server.kill();
  await server.start();
  const after = await nextAnswer(6);
  expect(after.found).toEqual([null]);
  expect(after.incarnation).toMatch(/^\w{40}$/);
  expect(after.incarnation).not.toBe(before.incarnation);
});

test('a lost connection without a restart: the same incarnation, and the canary', async () => {
  const before = await store.upsert([write(5)], [canary(5)]);
  await redis.client('KILL', 'ID', (await storeConnection()).id);
  const after = await nextAnswer(6);
  expect(after).toMatchObject({ found: [5], incarnation: before.incarnation });
});

test('a call whose connection is lost before the server makes it raises nothing', async () => {
  await store.upsert([write(5)], [canary(5)]);
  const { outcome } = await heldBack(() => store.upsert([write(6)], [canary(6)]));
  await redis.client('KILL', 'ID', (await storeConnection()).id);
  expect(await outcome).toBeInstanceOf(RetriableError);
  await redis.client('UNPAUSE');
  expect((await nextAnswer(6)).found).toEqual([5]);
});

test('a loss is still seen when the first call after it had its answer lost', async () => {
  const hasty = await createRedisOnlineStore({ url: server.url, logger, commandTimeout_ms: 300 });
  await store.close();
  store = hasty;
  await store.upsert([write(5)], [canary(5)]);
  await redis.flushall();
  const expecting = [{ ...canary(6), expected: 5 }];
  const { outcome } = await heldBack(() => store.upsert([write(6)], expecting));
  expect(await outcome).toBeInstanceOf(RetriableError);
  await redis.client('UNPAUSE');
  // The server makes the call after all.
  await expect.poll(() => redis.hget('user_features:1', 'count')).toBe('6');
  expect((await store.upsert([write(6)], expecting)).found).toEqual([null]);
});

test.each([2, 600])('a batch of %d in which one write is refused by the server raises nothing', async (size) => {
  await store.upsert([], [canary(5)]);
  await foreign('user_features:1');
  await expect(store.upsert(batch(size), [canary(size)])).rejects.toThrow(FatalError);
  expect(await redis.get(key)).toBe('5');
});

test('what is not a canary stops the call before it writes', async () => {
  await redis.set(key, 'not ours');
  await expect(store.upsert([write(5)], [canary(5)])).rejects.toThrow(`the key ${key} was not written by Millrace`);
  expect(await store.read(['user_features:1'])).toEqual([null]);
});

test('a server that lost its functions keeps the canaries', async () => {
  const before = await store.upsert([write(5)], [canary(5)]);
  await redis.function('FLUSH');
  const after = await store.upsert([write(6)], [canary(6)]);
  expect(after).toMatchObject({ found: [5], incarnation: before.incarnation });
  expect(await redis.get(key)).toBe('6');
});
