import { afterEach, beforeEach, expect, test } from 'vitest';
import { buildPlan } from '../../../src/define/plan-builder.ts';
import { count, entity, featureView, int64, text, tumbling } from '../../../src/index.ts';
import { serveHttp, type HttpServer } from '../../../src/observability/http-server.ts';
import { createMemoryOnlineStore } from '../../../src/online/memory/memory-online-store.ts';
import type { OnlineStore } from '../../../src/online/online-store.ts';
import { featureRoute } from '../../../src/serve/feature-routes.ts';
import type { Clock } from '../../../src/time/clock.ts';
import { transactions, userFeatures } from '../../support/shop.ts';

const visits = featureView('visits', {
  entity: entity('visit', { key: { user_id: int64(), place: text() } }),
  from: { tx: transactions.by({ user_id: 'user_id', place: 'location' }) },
  features: ({ tx }) => ({ n: count(tx).over(tumbling('5m')) }),
  online: { key: 'at:{place}/{user_id}' },
});

const stopped: Clock = {
  now_ms: () => 1_800_000_000_500,
  monotonic_ms: () => 0,
  after: () => () => undefined,
  every: () => () => undefined,
};

let store: OnlineStore;
let server: HttpServer;
beforeEach(async () => {
  store = createMemoryOnlineStore({ clock: stopped });
  const routes = [featureRoute(buildPlan({ userFeatures, visits }), store)];
  server = await serveHttp({ host: '127.0.0.1', port: 0, routes });
});
afterEach(() => server.close());

async function stored(key: string, view: string, values: Readonly<Record<string, string | null>>): Promise<void> {
  await store.upsert([
    {
      key,
      view: { name: view, fields: Object.keys(values) },
      generation: 1,
      position: 42,
      asOf_us: 1_800_000_000_123_456,
      values: Object.values(values),
    },
  ]);
}

async function get(path: string): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`${server.url}/features${path}`);
  return { status: response.status, body: await response.json() };
}

test('a key that is stored is answered with its values, null where there is none, and their time', async () => {
  await stored('user_features:42', 'user_features', {
    transaction_count_last_5_min: '3',
    last_update_time: '2027-01-15T08:00:00.000000Z',
    smallest_ok_last_minute: null,
  });
  expect(await get('/user_features/42')).toEqual({
    status: 200,
    body: {
      entity: { user_id: '42' },
      view: 'user_features',
      features: {
        transaction_count_last_5_min: '3',
        last_update_time: '2027-01-15T08:00:00.000000Z',
        smallest_ok_last_minute: null,
      },
      as_of: '2027-01-15T08:00:00.123456Z',
      visible_at: '2027-01-15T08:00:00.500000Z',
      position: 42,
    },
  });
});

test('integers of 64 bits are asked for and answered whole', async () => {
  await stored('user_features:9223372036854775807', 'user_features', {
    transaction_count_last_5_min: '9223372036854775807',
  });
  expect(await get('/user_features/9223372036854775807')).toMatchObject({
    body: {
      entity: { user_id: '9223372036854775807' },
      features: { transaction_count_last_5_min: '9223372036854775807' },
    },
  });
});

test('a key of several parts is a path of several, each percent-encoded', async () => {
  await stored('at:a%2Fb%20%3A%25%20n%C3%A9/-7', 'visits', { n: '1' });
  expect(await get(`/visits/-7/${encodeURIComponent('a/b :% né')}`)).toMatchObject({
    status: 200,
    body: { entity: { user_id: '-7', place: 'a/b :% né' }, features: { n: '1' } },
  });
});

test('a path may encode more than it must', async () => {
  await stored('at:Oulu-1/7', 'visits', { n: '1' });
  expect(await get('/visits/%37/%4Fulu%2D1')).toMatchObject({ status: 200, body: { entity: { place: 'Oulu-1' } } });
});

test('a key that was never seen is a 404 that names what was looked for', async () => {
  expect(await get('/user_features/43')).toEqual({
    status: 404,
    body: { error: 'user_features:43 was never seen: no row with this key has arrived', entity: { user_id: '43' } },
  });
});

test('a hash that only another view has written is as if the key had never been seen', async () => {
  await stored('user_features:42', 'other_view', { transaction_count_last_5_min: '3' });
  expect((await get('/user_features/42')).status).toBe(404);
});

test('a view that does not exist is a 404 that names those that do', async () => {
  const body = { error: 'no feature view "nope"', views: ['user_features', 'visits'] };
  expect(await get('/nope/42')).toEqual({ status: 404, body });
});

test.each([
  ['/user_features', '/features/user_features/{user_id}'],
  ['/user_features/', '/features/user_features/{user_id}'],
  ['/user_features/1/2', '/features/user_features/{user_id}'],
  ['/visits/1', '/features/visits/{user_id}/{place}'],
  ['/visits//Oulu', '/features/visits/{user_id}/{place}'],
])('the path %s has not the parts of the key: a 400 that says how it must be', async (path, form) => {
  expect(await get(path)).toEqual({ status: 400, body: { error: `the path must be ${form}` } });
});

test('values are only read', async () => {
  expect((await fetch(`${server.url}/features/user_features/1`, { method: 'POST' })).status).toBe(405);
});
