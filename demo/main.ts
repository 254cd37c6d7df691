/**
 * `make demo`: the main job in one process, without a server. A shop's changes go in as Debezium envelopes; features come out
 * online and as Parquet, and at the end every value is compared with a recount.
 *
 *     FEATURES=my.ts   other definitions over the same two tables      DEMO_PORT=9000   another port (default 8080 or the next)
 *     TAMPER=1         spoil one value: the check must fail            DEMO_SEED=7      another shop        NO_COLOR=1
 */
import { mkdir, rm } from 'node:fs/promises';
import { startEmbedded, type Embedded } from '../src/cli/embedded.ts';
import { loadDefinitions } from '../src/cli/load-definitions.ts';
import type { Plan } from '../src/define/plan.ts';
import { createLogger } from '../src/observability/logger.ts';
import { Feeder } from './feeder.ts';
import { Shop } from './generator.ts';
import { drawTable } from './live-table.ts';
import { Monitor, shownView } from './monitor.ts';
import { checkParity, describeParity, findChecked, isProven, type Checked } from './parity.ts';
import { freePort } from './port.ts';
import { loadTime_ms } from './schedule.ts';
import { Screen } from './terminal.ts';

const dataDir = '.demo';
const host = '127.0.0.1';
const rowsPerSecond = 2_000;
const settleLimit_ms = 15_000;
const defaultDefinitions = 'examples/fraud/features.ts';

const { env, stdin, stdout } = process;
const settings = {
  definitions: env['FEATURES'] === undefined || env['FEATURES'] === '' ? defaultDefinitions : env['FEATURES'],
  port: Number(env['DEMO_PORT'] ?? 8080),
  seed: Number(env['DEMO_SEED'] ?? 42),
  tamper: env['TAMPER'] === '1',
  /** Somebody watches and can press Ctrl-C. */
  interactive: stdin.isTTY && stdout.isTTY,
  color: stdout.isTTY && (env['NO_COLOR'] ?? '') === '',
};

const print = (line: string): void => void stdout.write(`${line}\n`);

async function run(): Promise<boolean> {
  await rm(dataDir, { recursive: true, force: true });
  await mkdir(dataDir);
  const plan = await loadDefinitions(settings.definitions);
  const port = await freePort(host, settings.port);
  const embedded = await startEmbedded({
    plan,
    dataDir,
    http: { host, port },
    logger: createLogger('warn'),
  });
  try {
    return await Promise.race([play(embedded, plan), embedded.failure]);
  } finally {
    await embedded.stop();
  }
}

async function play(embedded: Embedded, plan: Plan): Promise<boolean> {
  const { log, metrics, online, url } = embedded;
  const { definitions, seed } = settings;
  const shop = new Shop({ seed });
  await log.ensureTopics(shop.topics.map((name) => ({ name, partitions: shop.partitions, config: {} })));
  const feeder = new Feeder(shop, await log.producer({ name: 'connector', failed: rethrow }), rowsPerSecond);
  const checked = findChecked(plan);
  const monitor = new Monitor({
    shown: shownView(plan, checked?.view ?? null),
    shop,
    feeder,
    online,
    metrics,
    url,
    definitions,
  });
  try {
    feeder.start();
    await (settings.interactive ? watch(monitor) : load(monitor));
    await feeder.stop();
    await settle(embedded);
  } finally {
    await feeder.stop();
    monitor.stop();
  }
  const table = drawTable(await monitor.picture(`seed ${seed}`), { columns: 80, color: settings.color });
  print(['', ...table, ''].join('\n'));
  return check(embedded, shop, checked);
}

/** With a terminal: until Ctrl-C. */
async function watch(monitor: Monitor): Promise<void> {
  const screen = new Screen(stdout);
  const draw = async (): Promise<void> => {
    const picture = await monitor.picture('Ctrl-C to stop');
    if (isOpen) screen.draw(drawTable(picture, { columns: screen.columns, color: settings.color }));
  };
  let isOpen = true;
  screen.open();
  monitor.start(() => void draw());
  await draw();
  await interrupted();
  isOpen = false;
  screen.close();
  print('stopping; comparing every value with a recount (Ctrl-C again to leave at once)');
}

/** Without: as long as it takes to have something to compare. */
async function load(monitor: Monitor): Promise<void> {
  const length_ms = loadTime_ms(Date.now());
  print(
    `${settings.definitions}: ${rowsPerSecond.toLocaleString('en-US')} rows/s for ${Math.round(length_ms / 1000)} s; meanwhile`,
  );
  print(`  ${monitor.curl}`);
  monitor.start(() => undefined);
  await Promise.race([wait(length_ms), interrupted()]);
}

async function settle(embedded: Embedded): Promise<void> {
  const given = wait(settleLimit_ms).then(() => {
    throw new Error(`the last changes were not visible ${settleLimit_ms / 1000} s after they were sent`);
  });
  await Promise.race([embedded.settled(), given]);
}

async function check(embedded: Embedded, shop: Shop, checked: Checked | null): Promise<boolean> {
  if (checked === null) {
    print('parity: not checked, none of your features is one that the recount of the demo knows');
    return true;
  }
  const { online } = embedded;
  const settled = (): Promise<void> => settle(embedded);
  const { truth } = shop;
  const parity = await checkParity({ checked, online, truth, dataDir, settled, tamper: settings.tamper });
  for (const line of describeParity(parity, checked)) print(line);
  return isProven(parity, checked);
}

/** Resolves at the first Ctrl-C or TERM; a second one ends the process as usual. */
function interrupted(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
}

const wait = (delay_ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, delay_ms).unref());

const rethrow = (error: Error): never => {
  throw error;
};

try {
  process.exitCode = (await run()) ? 0 : 1;
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  // Not just the code: whatever failed may have left something open.
  process.exit(1);
}
