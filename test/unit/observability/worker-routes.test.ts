import { afterEach, beforeEach, expect, test } from 'vitest';
import { serveHttp, type HttpServer } from '../../../src/observability/http-server.ts';
import { createMetrics } from '../../../src/observability/metrics.ts';
import { workerRoutes, type Health } from '../../../src/observability/worker-routes.ts';

const metrics = createMetrics('1.2.3');
let state = { live: true, ready: false, detail: {} };
const health: Health = { live: () => state.live, ready: () => ({ ready: state.ready, detail: state.detail }) };
let server: HttpServer;

beforeEach(async () => {
  state = { live: true, ready: false, detail: {} };
  server = await serveHttp({ host: '127.0.0.1', port: 0, routes: workerRoutes(metrics, health) });
});
afterEach(() => server.close());

async function probe(path: string): Promise<{ status: number; body: unknown }> {
  const response = await fetch(server.url + path);
  return { status: response.status, body: await response.json() };
}

test('/livez is 200 while the process lives, then 503', async () => {
  expect(await probe('/livez')).toEqual({ status: 200, body: { live: true } });
  state.live = false;
  expect(await probe('/livez')).toEqual({ status: 503, body: { live: false } });
});

test('/readyz is 503 and says what is waited for, then 200', async () => {
  state.detail = { restoring: [3], owned: 12 };
  expect(await probe('/readyz')).toEqual({ status: 503, body: { ready: false, restoring: [3], owned: 12 } });
  state.ready = true;
  state.detail = { owned: 12 };
  expect(await probe('/readyz')).toEqual({ status: 200, body: { ready: true, owned: 12 } });
});

test('being not ready does not make it not live', async () => {
  expect((await probe('/readyz')).status).toBe(503);
  expect((await probe('/livez')).status).toBe(200);
});

test('/metrics is what was counted, in the format that Prometheus asks for', async () => {
  metrics.counter('millrace_rows_applied_total', { entity: 'user' }).add(3);
  const response = await fetch(`${server.url}/metrics`);
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  expect(await response.text()).toContain('millrace_rows_applied_total{entity="user"} 3\n');
});

test('the probes only read', async () => {
  for (const path of ['/livez', '/readyz', '/metrics'])
    expect((await fetch(server.url + path, { method: 'POST' })).status).toBe(405);
});
