/** Components of the local stack, stopped and started by its own scripts. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export type Component = 'kafka' | 'connect' | 'redis' | 's3';

const folder = fileURLToPath(new URL('../../deploy/stack/', import.meta.url));

/** Sends SIGKILL. */
export const killComponent = (component: Component): Promise<void> => script('stop.sh', component, '--kill');

/** One that runs is stopped first, by SIGTERM. Resolves when it is healthy. */
export const startComponent = (component: Component): Promise<void> => script('restart.sh', component);

/** SIGSTOP and SIGCONT: to its clients it is there, and silent. */
export function signalComponent(component: Component, signal: 'SIGSTOP' | 'SIGCONT'): void {
  const file = fileURLToPath(new URL(`../../.stack/${component}/pid`, import.meta.url));
  process.kill(Number(readFileSync(file, 'utf8').trim()), signal);
}

function script(name: string, ...args: string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(`${folder}${name}`, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`${name} ${args.join(' ')} ended with ${code}: ${said}`));
    });
  });
}
