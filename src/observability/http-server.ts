/** The worker's HTTP side: metrics, probes, and routes that others add. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { FatalError, messageOf } from '../errors.ts';

export interface HttpAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The request is at fault; the message says how. */
export class RequestError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export interface HttpRoute {
  readonly method: 'GET' | 'POST';
  /** The path itself, or a prefix when it ends with a slash. */
  readonly path: string;
  handle(request: { readonly path: string; readonly body: string }): Promise<HttpAnswer> | HttpAnswer;
}

export interface HttpServer {
  readonly url: string;
  close(): Promise<void>;
}

/** A body of an answer in JSON. */
export function json(status: number, body: unknown): HttpAnswer {
  return { status, contentType: 'application/json', body: `${JSON.stringify(body)}\n` };
}

const bodyLimit_bytes = 16 * 1024 * 1024;

/**
 * @param port 0 takes any free one.
 * @throws FatalError `config-invalid` when the port is taken.
 */
export async function serveHttp(options: {
  host: string;
  port: number;
  routes: readonly HttpRoute[];
}): Promise<HttpServer> {
  const { host, port, routes } = options;
  const server = createServer((request, response) => {
    void answer(request, routes)
      .catch((error: unknown) => json(error instanceof RequestError ? error.status : 500, { error: messageOf(error) }))
      .then((result) => {
        send(response, result);
      });
  });
  await listen(server, host, port);
  const { port: bound } = server.address() as AddressInfo;
  return {
    url: urlOf(host, bound),
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

function urlOf(host: string, port: number): string {
  if (host === '0.0.0.0') return `http://127.0.0.1:${port}`;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why =
        error.code === 'EADDRINUSE'
          ? 'another process listens there; set MILLRACE_HTTP_PORT to a free port'
          : error.message;
      reject(new FatalError('config-invalid', `cannot listen on ${host}:${port}: ${why}`, { cause: error }));
    });
    server.listen(port, host, resolve);
  });
}

async function answer(request: IncomingMessage, routes: readonly HttpRoute[]): Promise<HttpAnswer> {
  const path = request.url?.split('?')[0] ?? '/';
  const matching = routes.filter((route) =>
    route.path.endsWith('/') ? path.startsWith(route.path) : path === route.path,
  );
  if (matching.length === 0)
    return json(404, { error: `nothing is at ${path}`, paths: routes.map((route) => route.path) });
  const route = matching.find(({ method }) => method === request.method);
  if (route === undefined) {
    const allowed = matching.map(({ method }) => method).join(', ');
    return { ...json(405, { error: `${path} answers to ${allowed}` }), headers: { allow: allowed } };
  }
  return route.handle({ path, body: await read(request) });
}

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size_bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size_bytes += chunk.length;
    if (size_bytes > bodyLimit_bytes) throw new RequestError(413, `the body is larger than ${bodyLimit_bytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function send(response: ServerResponse, { status, contentType, body, headers }: HttpAnswer): void {
  response.writeHead(status, { ...headers, 'content-type': contentType, 'content-length': Buffer.byteLength(body) });
  response.end(body);
}
