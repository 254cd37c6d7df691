/** `millrace status`: what every worker says of itself, in one table. */
import { lookup } from 'node:dns/promises';
import { loadConfig } from '../config/config.ts';
import { environment } from '../config/environment.ts';
import { FatalError, messageOf } from '../errors.ts';
import { parseExposition } from '../operate/exposition.ts';
import { fleetStatus, type WorkerReading } from '../operate/fleet-status.ts';
import { renderStatus } from '../operate/status-table.ts';
import { say, type OutputOptions } from './output.ts';

const answer_ms = 5000;

/** @param options.workers addresses of workers, separated by commas; a host name stands for all its addresses. */
export async function showStatus(options: OutputOptions & { readonly workers?: string }): Promise<void> {
  const config = loadConfig(environment, 'dev');
  const given = options.workers ?? config.workers ?? `http://127.0.0.1:${config.http.port}`;
  const addresses = (await Promise.all(given.split(',').map((address) => resolved(address.trim())))).flat();
  const readings = await Promise.all([...new Set(addresses)].map((address) => read(address)));
  const status = fleetStatus(readings);
  say(options, status, renderStatus(status));
  if (readings.every(({ problem }) => problem !== null)) process.exitCode = 1;
}

/** @throws FatalError `config-invalid` when it is no address, or its name is not known. */
async function resolved(address: string): Promise<string[]> {
  let url: URL;
  try {
    url = new URL(address);
  } catch (error) {
    throw new FatalError('config-invalid', `"${address}" is not the address of a worker, such as http://host:8080`, {
      cause: error,
    });
  }
  // A certificate is made out to the name.
  if (url.protocol !== 'http:') return [url.origin];
  try {
    const found = await lookup(url.hostname.replace(/^\[|\]$/g, ''), { all: true });
    return found.map(({ address: ip, family }) => `http://${family === 6 ? `[${ip}]` : ip}:${url.port || '80'}`);
  } catch (error) {
    throw new FatalError('config-invalid', `the host of ${address} is not known: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

async function read(address: string): Promise<WorkerReading> {
  try {
    const answer = await fetch(`${address}/metrics`, { signal: AbortSignal.timeout(answer_ms) });
    if (!answer.ok) return { address, samples: [], problem: `answers ${answer.status}` };
    return { address, samples: parseExposition(await answer.text()), problem: null };
  } catch (error) {
    const cause = (error as Error).cause;
    return { address, samples: [], problem: messageOf(cause ?? error) };
  }
}
