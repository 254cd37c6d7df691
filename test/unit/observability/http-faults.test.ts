import { afterEach, beforeEach, expect, test } from 'vitest';
import { json, serveHttp, type HttpServer } from '../../../src/observability/http-server.ts';
import { createMemoryOnlineStore } from '../../../src/online/memory/memory-online-store.ts';
import { featureRoute } from '../../../src/serve/feature-routes.ts';
import { systemClock } from '../../../src/time/clock.ts';
import { plan } from '../../support/shop.ts';

let server: HttpServer;

beforeEach(async () => {
  const features = featureRoute(plan, createMemoryOnlineStore({ clock: systemClock }));
  const post = { method: 'POST', path: '/p', handle: () => json(200, {}) } as const;
  server = await serveHttp({ host: '127.0.0.1', port: 0, routes: [features, post] });
});
afterEach(() => server.close());

test.each([
  ['GET', '/features/user_features/%zz', '', 400],
  ['GET', '//', '', 404],
  ['GET', '//foo/features/user_features/1', '', 404],
  ['POST', '/p', 'x'.repeat(17 * 1024 * 1024), 413],
])('%s %s', async (method, path, body, status) => {
  const response = await fetch(server.url + path, { method, ...(body === '' ? {} : { body }) });
  expect(response.status).toBe(status);
});

test('another method: 405 with what is allowed', async () => {
  const response = await fetch(`${server.url}/p`);
  expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST']);
});

test('the URL of an IPv6 host has brackets', async () => {
  const other = await serveHttp({ host: '::1', port: 0, routes: [] });
  await other.close();
  expect(other.url).toMatch(/^http:\/\/\[::1\]:\d+$/);
});
