import { createServer } from 'node:net';

/** The first free port from here on. */
export async function freePort(host: string, from: number): Promise<number> {
  for (let port = from; port < Math.min(from + 100, 65_536); port++) if (await isFree(host, port)) return port;
  throw new Error(`no free port from ${from} on; set DEMO_PORT to another`);
}

function isFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => {
      resolve(false);
    });
    server.listen(port, host, () => server.close(() => resolve(true)));
  });
}
