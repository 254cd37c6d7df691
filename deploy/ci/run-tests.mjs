// make test | check | unit | check-ops: runs every step, goes on after a failure, and ends with "N passed, N failed".
//
//   node deploy/ci/run-tests.mjs test     everything, with the stack
//   node deploy/ci/run-tests.mjs check    format, lint, types, dependency rules, unused code, docstrings
//   node deploy/ci/run-tests.mjs unit     the tests that need no stack
//   node deploy/ci/run-tests.mjs ops      rules, dashboards, chart and manifests; compiles its tools, minutes the first time
//
// A static check is one item. A vitest project counts its tests, plus one failed item for each file that could not be
// loaded, and one if it crashed, timed out or ran nothing. A set-up step counts only when it fails.
import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
process.chdir(root);

const cache = 'node_modules/.cache';
const bin = (name) => `node_modules/.bin/${name}`;
const minutes = (n) => n * 60_000;

const totals = { passed: 0, failed: 0 };
let running;

const mode = process.argv[2] ?? '';
const modes = { test: runTest, check: runCheck, unit: runUnit, ops: runOps };
if (!Object.hasOwn(modes, mode)) {
  console.error(`usage: run-tests.mjs ${Object.keys(modes).join('|')}`);
  process.exit(2);
}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => interrupted(signal));

try {
  await modes[mode]();
} catch (error) {
  report('runner', { failed: 1, ms: 0, note: error.stack });
}
finish();

// ----------------------------------------------------------------------------------------------------- the four modes

async function runTest() {
  if (!(await setUp('node_modules', 'node', ['deploy/ci/node-modules.mjs'], minutes(15)))) return;
  await staticChecks({ trustCache: false });
  await withoutStack();
  await rulesAndDashboards();
  // Both are scripts of the stack; the client is compiled for this machine, since npm ran without install scripts.
  const client = await setUp('kafka client', 'deploy/stack/kafka-client.sh', [], minutes(30));
  const stack = client && (await setUp('stack', 'deploy/stack/up.sh', [], minutes(30)));
  for (const [project, limit_ms] of [
    ['integration', minutes(20)],
    ['e2e', minutes(60)],
  ]) {
    if (stack) await vitest(project, limit_ms);
    else report(`vitest ${project}`, { failed: 1, ms: 0, note: 'not run: the stack is not up' });
  }
}

async function runCheck() {
  if (!(await setUp('node_modules', 'node', ['deploy/ci/node-modules.mjs'], minutes(15)))) return;
  await staticChecks({ trustCache: true });
}

async function runUnit() {
  if (!(await setUp('node_modules', 'node', ['deploy/ci/node-modules.mjs'], minutes(15)))) return;
  await withoutStack();
}

async function runOps() {
  if (!(await setUp('node_modules', 'node', ['deploy/ci/node-modules.mjs'], minutes(15)))) return;
  await rulesAndDashboards();
  if (await setUp('helm, kubeconform', 'deploy/ops/tools.sh', [], minutes(30))) await vitest('chart', minutes(10));
}

async function rulesAndDashboards() {
  if (await setUp('promtool', 'deploy/ops/tools.sh', ['promtool'], minutes(5))) await vitest('ops', minutes(5));
}

async function withoutStack() {
  await setUp('rocksdb', 'deploy/ci/rocksdb.sh', [], minutes(5));
  for (const project of ['unit', 'property', 'conformance', 'simulation']) await vitest(project, minutes(10));
}

/** Type-aware lint results depend on other files, which ESLint's cache does not know; so `make test` does without it. */
async function staticChecks({ trustCache }) {
  mkdirSync(cache, { recursive: true });
  const folders = ['src', 'test', 'benchmarks', 'examples', 'demo', 'deploy'].filter((folder) => existsSync(folder));
  const lintCache = trustCache
    ? ['--cache', '--cache-strategy', 'content', '--cache-location', `${cache}/eslint/`]
    : [];
  await check('prettier', ['--check', '.', '--log-level', 'warn', '--cache']);
  await check('eslint', ['.', ...lintCache]);
  await check('tsc', ['--noEmit', '--incremental', '--tsBuildInfoFile', `${cache}/tsc.tsbuildinfo`]);
  await check('depcruise', [...folders, '--config', '.dependency-cruiser.cjs', '--output-type', 'err-long']);
  await check('knip', ['--no-progress', '--no-config-hints']);
  // Everything public has a docstring, and what they refer to is there: typedoc.json. `make docs` writes the pages.
  await check('typedoc', ['--emit', 'none', '--logLevel', 'Warn']);
}

// --------------------------------------------------------------------------------------------------- kinds of step

/** Writes to a file: a server it leaves running must not print below the last line, nor hold our output open. */
async function setUp(name, command, args, limit_ms) {
  if (command !== 'node' && !existsSync(command)) {
    report(name, { failed: 1, ms: 0, note: `${command} is missing` });
    return false;
  }
  console.log(`      ${name} ...`);
  const log = `${tmpdir()}/millrace-${process.pid}-${name.replaceAll(' ', '-')}.log`;
  const { ok, ms, note } = await run(command === 'node' ? process.execPath : `./${command}`, args, { limit_ms, log });
  if (!ok) console.log(readFileSync(log, 'utf8').trimEnd());
  rmSync(log, { force: true });
  report(name, { failed: ok ? 0 : 1, ms, note });
  return ok;
}

/** Its output is shown when it failed or warned. */
async function check(tool, args) {
  const { ok, ms, note, output } = await run(bin(tool), args, { limit_ms: minutes(10), quiet: true });
  const text = output.trim();
  if (text !== '' && (!ok || tool === 'eslint')) console.log(text);
  report(tool, { passed: ok ? 1 : 0, failed: ok ? 0 : 1, ms, note });
}

async function vitest(project, limit_ms) {
  const file = `${cache}/vitest-${project}.json`;
  mkdirSync(cache, { recursive: true });
  rmSync(file, { force: true });
  const { ok, ms, note } = await run(
    bin('vitest'),
    [
      'run',
      '--project',
      project,
      '--allowOnly=false',
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${file}`,
    ],
    { limit_ms },
  );
  report(`vitest ${project}`, { ms, ...count(file, ok, note) });
}

function count(file, ok, note) {
  let results;
  try {
    results = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return { failed: 1, note: note ?? 'vitest left no report: it crashed, or found no test file' };
  }
  const passed = results.numPassedTests;
  const skipped = results.numPendingTests + results.numTodoTests;
  const unloaded = results.testResults.filter((f) => f.status === 'failed' && f.assertionResults.length === 0).length;
  const notes = [];
  let failed = results.numFailedTests + unloaded;
  if (skipped > 0) notes.push(`${skipped} skipped`);
  if (unloaded > 0) notes.push(`${unloaded} files failed as a whole`);
  if (passed + failed === 0) {
    failed += 1;
    notes.push('no test ran');
  } else if (!ok && failed === 0) {
    failed += 1;
    notes.push(note ?? 'errors outside of tests');
  } else if (note !== undefined) {
    notes.push(note);
  }
  return { passed, failed, note: notes.join(', ') || undefined };
}

// -------------------------------------------------------------------------------------------------------- machinery

/**
 * Runs a command in its own process group, so that a time limit or Ctrl-C ends what it started as well. Output goes to
 * the file `log`, is returned when `quiet`, else is passed on.
 */
function run(command, args, { limit_ms, quiet = false, log }) {
  const start = performance.now();
  return new Promise((resolve) => {
    const env = { ...process.env, CI: process.env.CI ?? '1' };
    const target = log === undefined ? (quiet ? 'pipe' : 'inherit') : openSync(log, 'w');
    const child = spawn(command, args, { detached: true, env, stdio: ['ignore', target, target] });
    if (typeof target === 'number') closeSync(target);
    running = child;
    let output = '';
    let note;
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text) => (output += text));
    const timer = setTimeout(() => {
      note = `stopped after ${limit_ms / 60_000} minutes`;
      killGroup(child, 'SIGKILL');
    }, limit_ms);
    const end = (ok) => {
      clearTimeout(timer);
      running = undefined;
      resolve({ ok: ok && note === undefined, ms: performance.now() - start, note, output });
    };
    child.on('error', (error) => {
      note = error.message;
      end(false);
    });
    child.on('exit', (_code, signal) => {
      if (signal !== null) note ??= `ended by ${signal}`;
      // Whatever a check or a test run left behind; the servers of the stack are meant to stay.
      if (log === undefined) killGroup(child, 'SIGKILL');
    });
    // With a pipe, "close" comes after the last of the output.
    child.on(quiet ? 'close' : 'exit', (code) => end(code === 0));
  });
}

function killGroup(child, signal) {
  try {
    process.kill(-child.pid, signal);
  } catch {
    // It has ended.
  }
}

function interrupted(signal) {
  if (running) killGroup(running, signal);
  report('runner', { failed: 1, ms: 0, note: `interrupted by ${signal}` });
  finish();
}

function report(name, { passed = 0, failed = 0, ms, note }) {
  totals.passed += passed;
  totals.failed += failed;
  const counts = passed + failed > 1 ? `${passed} passed, ${failed} failed` : '';
  const words = [counts, note].filter(Boolean).join('; ');
  console.log(
    `${failed > 0 ? 'FAIL' : 'ok  '}  ${name.padEnd(20)} ${(ms / 1000).toFixed(1).padStart(7)} s  ${words}`.trimEnd(),
  );
}

/** Synchronous, so that nothing can be printed below the last line. */
function finish() {
  writeFileSync(1, `\n${totals.passed} passed, ${totals.failed} failed\n`);
  process.exit(totals.failed > 0 || totals.passed === 0 ? 1 : 0);
}
