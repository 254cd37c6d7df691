import { afterEach, expect, test } from 'vitest';
import { FatalError } from '../../../src/errors.ts';
import { json, serveHttp, type HttpRoute, type HttpServer } from '../../../src/observability/http-server.ts';

const open: HttpServer[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

async function served(...routes: HttpRoute[]): Promise<HttpServer> {
  const server = await serveHttp({ host: '127.0.0.1', port: 0, routes });
  open.push(server);
  return server;
}

const saying = (path: string, text: string, method: HttpRoute['method'] = 'GET'): HttpRoute => ({
  method,
  path,
  handle: () => ({ status: 200, contentType: 'text/plain', body: text }),
});
const echo: HttpRoute = {
  method: 'POST',
  path: '/echo',
  handle: ({ path, body }) => json(200, { path, body }),
};

interface Answer {
  readonly status: number;
  readonly type: string | null;
  readonly body: string;
}

async function ask(server: HttpServer, path: string, options: RequestInit = {}): Promise<Answer> {
  const response = await fetch(server.url + path, options);
  return { status: response.status, type: response.headers.get('content-type'), body: await response.text() };
}

test('port 0 takes a free one, and the URL says which', async () => {
  const server = await served(saying('/', 'hello'));
  expect(server.url).toMatch(/^http:\/\/127\.0\.0\.1:[1-9]\d*$/);
  expect(await ask(server, '/nope')).toMatchObject({ status: 200, body: 'hello' });
});

test('a path answers alone, one that ends with a slash for all below it', async () => {
  const server = await served(saying('/one', 'exactly'), saying('/many/', 'below'));
  expect(await ask(server, '/one')).toEqual({ status: 200, type: 'text/plain', body: 'exactly' });
  expect((await ask(server, '/one?x=1')).body).toBe('exactly');
  expect((await ask(server, '/many/a/b')).body).toBe('below');
  expect((await ask(server, '/one/more')).status).toBe(404);
  expect((await ask(server, '/many')).status).toBe(404);
});

test('what is not there is a 404 that says what is', async () => {
  const server = await served(saying('/one', ''), saying('/two/', ''));
  const { status, type, body } = await ask(server, '/three');
  expect([status, type]).toEqual([404, 'application/json']);
  expect(JSON.parse(body)).toEqual({ error: 'nothing is at /three', paths: ['/one', '/two/'] });
});

test('another method is a 405 that says which there are', async () => {
  const server = await served(saying('/one', 'read'), saying('/one', 'written', 'POST'), echo);
  expect((await ask(server, '/one', { method: 'POST' })).body).toBe('written');
  const { status, body } = await ask(server, '/one', { method: 'DELETE' });
  expect([status, JSON.parse(body)]).toEqual([405, { error: '/one answers to GET, POST' }]);
  expect((await ask(server, '/echo')).status).toBe(405);
});

test('a body arrives whole, in any script, of any size up to the limit', async () => {
  const server = await served(echo);
  const body = 'é🦊'.repeat(300_000);
  const answer = await ask(server, '/echo', { method: 'POST', body });
  expect(answer.status).toBe(200);
  expect(JSON.parse(answer.body)).toEqual({ path: '/echo', body });
});

test('a handler that fails is a 500 with its reason, and the server goes on', async () => {
  const failing: HttpRoute = { method: 'GET', path: '/fail', handle: () => Promise.reject(new Error('out of order')) };
  const throwing: HttpRoute = {
    method: 'GET',
    path: '/throw',
    handle: () => {
      throw new Error('at once');
    },
  };
  const server = await served(failing, throwing, saying('/one', 'fine'));
  expect(await ask(server, '/fail')).toMatchObject({ status: 500, body: '{"error":"out of order"}\n' });
  expect(await ask(server, '/throw')).toMatchObject({ status: 500, body: '{"error":"at once"}\n' });
  expect((await ask(server, '/one')).body).toBe('fine');
});

test('a port that is taken is refused with the setting to change', async () => {
  const server = await served();
  const port = Number(new URL(server.url).port);
  const second = serveHttp({ host: '127.0.0.1', port, routes: [] });
  await expect(second).rejects.toThrow(FatalError);
  await expect(second).rejects.toMatchObject({
    code: 'config-invalid',
    message: `cannot listen on 127.0.0.1:${port}: another process listens there; set MILLRACE_HTTP_PORT to a free port`,
  });
});

test('a host that is not this one is refused with its reason', async () => {
  // 192.0.2.0/24 is nobody's: RFC 5737.
  const server = serveHttp({ host: '192.0.2.1', port: 0, routes: [] });
  await expect(server).rejects.toThrow(/^cannot listen on 192\.0\.2\.1:0: .*EADDRNOTAVAIL/);
});

test('closing does not wait for a request that hangs, and frees the port', async () => {
  let asked = (): void => undefined;
  const arrived = new Promise<void>((resolve) => (asked = resolve));
  const hanging: HttpRoute = {
    method: 'GET',
    path: '/hang',
    handle: () => {
      asked();
      return new Promise(() => undefined);
    },
  };
  const server = await serveHttp({ host: '127.0.0.1', port: 0, routes: [hanging] });
  const request = expect(fetch(`${server.url}/hang`)).rejects.toThrow();
  await arrived;
  await server.close();
  await request;
  const again = await serveHttp({ host: '127.0.0.1', port: Number(new URL(server.url).port), routes: [] });
  open.push(again);
  expect(again.url).toBe(server.url);
});
