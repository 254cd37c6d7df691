import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { formatTimestamp } from '../../src/define/value.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import type { OnlineStore, OnlineWrite } from '../../src/online/online-store.ts';
import { createRedisOnlineStore } from '../../src/online/redis/redis-online-store.ts';
import { RedisServer } from '../support/redis-server.ts';

const run = promisify(execFile);
const pathOf = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

const view = {
  name: 'user_features',
  fields: ['transaction_count_last_5_min', 'last_update_time', 'recent_city', 'smallest_amount'],
};
const time_us = 1_798_761_600_123_456n;

function write(position: number, values: (string | null)[]): OnlineWrite {
  return { key: 'user_features:42', view, generation: 1, position, asOf_us: 1_798_761_600_123_456, values };
}

describe('redis-py', () => {
  let python: string;
  let server: RedisServer;
  let store: OnlineStore;

  beforeAll(async () => {
    // The first run installs from PyPI.
    const { stdout } = await run(pathOf('../../deploy/stack/python-client.sh'));
    python = stdout.trimEnd().split('\n').at(-1)!;
  }, 300_000);

  beforeAll(async () => {
    // A server of its own: the key is the one that the documentation shows, and the stack's may be in use.
    server = await RedisServer.start();
    store = await createRedisOnlineStore({ url: server.url, logger: silentLogger });
    await store.upsert([write(7, ['3', formatTimestamp(time_us), 'Jyväskylä 🦊 "x"', null])]);
  });

  afterAll(async () => {
    await store.close();
    await server.kill();
  });

  const print = async (key: string): Promise<string> => {
    const { stdout } = await run(python, [pathOf('../support/python_client.py'), server.url, key]);
    return stdout;
  };
  const read = async (key: string): Promise<Record<string, unknown>> =>
    JSON.parse(await print(key)) as Record<string, unknown>;

  test('reads counts, times and text; a null feature is absent', async () => {
    const { _user_features: bookkeeping, ...features } = await read('user_features:42');
    expect(features).toEqual({
      transaction_count_last_5_min: 3,
      last_update_time: '2027-01-01T00:00:00.123456Z',
      recent_city: 'Jyväskylä 🦊 "x"',
    });
    expect(bookkeeping).toMatch(/^1:7:1798761600123456:\d{16}$/);
  });

  test('finds an unknown key empty', async () => {
    expect(await read('user_features:43')).toEqual({});
  });

  test('sees the next values, and a feature that became null go away', async () => {
    await store.upsert([write(8, ['0', null, null, '19.99'])]);
    const { _user_features: _, ...features } = await read('user_features:42');
    expect(features).toEqual({ transaction_count_last_5_min: 0, smallest_amount: '19.99' });
  });

  test('reads a count beyond 2^53 whole', async () => {
    await store.upsert([write(9, ['9223372036854775807', null, '', null])]);
    expect(await print('user_features:42')).toContain('"transaction_count_last_5_min": 9223372036854775807');
  });
});
