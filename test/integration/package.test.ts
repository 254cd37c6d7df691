/** The package as it is published: built, packed, unpacked as a dependency of another project, without the native Kafka client. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { envelope, transactionFields } from '../support/envelope.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const tsc = join(root, 'node_modules/typescript/bin/tsc');
let app: string;
let cli: string;

beforeAll(() => {
  // Inside the checkout, whose node_modules then stand for the package's dependencies.
  app = mkdtempSync(join(root, '.stack/package-'));
  execFileSync('npm', ['run', 'build'], { cwd: root, stdio: 'ignore' });
  execFileSync('npm', ['pack', '--ignore-scripts', '--pack-destination', app], { cwd: root, stdio: 'ignore' });
  mkdirSync(join(app, 'node_modules'));
  execFileSync('tar', ['xzf', 'millrace-0.1.0.tgz'], { cwd: app });
  renameSync(join(app, 'package'), join(app, 'node_modules/millrace'));
  cpSync(join(root, 'examples/fraud/features.ts'), join(app, 'features.ts'));
  cli = join(app, 'node_modules/millrace/dist/cli/main.js');
});
afterAll(() => {
  rmSync(app, { recursive: true });
});

test('another project compiles against its types, and uses the test kit', () => {
  const options = { strict: true, module: 'nodenext', target: 'es2023', lib: ['es2023'], types: [], outDir: 'out' };
  writeFileSync(join(app, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files: ['use.ts'] }));
  writeFileSync(join(app, 'package.json'), '{"type": "module"}');
  const use = `
    import { createTestKit } from 'millrace/testing';
    import { userFeatures, type UserFeatures } from './features.js';
    const kit = createTestKit(userFeatures);
    export const values: UserFeatures | undefined = kit.read(userFeatures, { user_id: 42 })?.values;
    // @ts-expect-error a count is no text
    export const text: string | undefined = values?.transaction_count_last_5_min;
    if (values !== undefined) throw new Error('nothing was fed');`;
  writeFileSync(join(app, 'use.ts'), use);
  execFileSync(process.execPath, [tsc, '-p', '.'], { cwd: app, stdio: 'inherit' });
  execFileSync(process.execPath, ['out/use.js'], { cwd: app, stdio: 'inherit' });
});

test.each(['module', 'commonjs'])('millrace dev runs TypeScript definitions of a %s package', async (type) => {
  writeFileSync(join(app, 'package.json'), JSON.stringify({ type }));
  const dev = spawn(process.execPath, [cli, 'dev', 'features.ts'], {
    cwd: app,
    env: { ...process.env, MILLRACE_HTTP_PORT: '0', MILLRACE_LOG_LEVEL: 'warn' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const url = await urlOf(dev);
    const now_us = Date.now() * 1000;
    const row = { id: 1, user: 42, cents: 100, status: 'ok', location: null, time_us: now_us };
    const body = envelope({
      after: { ...transactionFields(row), merchant: 'kiosk' },
      commit_us: now_us,
      sequence: [null, 1],
    });
    const sent = await fetch(`${url}/topics/dbserver.public.transactions`, { method: 'POST', body });
    expect(await sent.json()).toEqual({ appended: 1 });
    await expect
      .poll(async () => (await (await fetch(`${url}/features/user_features/42`)).json()) as object, { timeout: 10_000 })
      .toMatchObject({ features: { transaction_count_last_5_min: '1' } });
  } finally {
    dev.kill('SIGTERM');
  }
});

/** The address that it prints first. */
async function urlOf(dev: ChildProcess): Promise<string> {
  for await (const line of createInterface({ input: dev.stdout! })) {
    const match = /http:\/\/[^/]+/.exec(line);
    if (match !== null) return match[0];
  }
  throw new Error('millrace dev ended');
}
