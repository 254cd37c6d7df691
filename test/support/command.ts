/** A command of `millrace` that ends by itself, as an operator runs it. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

export interface Ended {
  readonly code: number;
  readonly output: string;
  readonly errors: string;
}

export function millrace(args: readonly string[], env: Readonly<Record<string, string | undefined>>): Promise<Ended> {
  const command = ['--conditions=source', '--import', 'tsx', 'src/cli/main.ts', ...args];
  return new Promise((resolve) => {
    execFile(process.execPath, command, { cwd: root, env }, (error, output, errors) => {
      resolve({ code: error === null ? 0 : Number(error.code), output, errors });
    });
  });
}
