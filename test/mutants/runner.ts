/** Runs the simulator, or a property test, on a copy of the sources in which one thing is broken. */
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Mutant {
  readonly name: string;
  /** Below `src`. */
  readonly file: string;
  /** Stands exactly once in the file. */
  readonly find: string;
  readonly replace: string;
  /** What goes wrong then. */
  readonly why: string;
  /** Tried at most: more where what shows it is rare. Default 100. */
  readonly seeds?: number;
  /** The property test that finds it, below `test/property`: another rule makes up for it, so that all outputs of a fleet are right. */
  readonly test?: string;
}

export type Verdict =
  | { readonly kind: 'found'; readonly seed: number | null; readonly line: string; readonly took_ms: number }
  | { readonly kind: 'survived'; readonly took_ms: number }
  /** The mutant proves nothing: it cannot be made, does not load, breaks by itself or never ends. */
  | { readonly kind: 'error'; readonly line: string };

const root = fileURLToPath(new URL('../../', import.meta.url));
const copied = [
  'src',
  'test/simulation',
  'test/property',
  'test/support',
  'package.json',
  'tsconfig.json',
  'vitest.config.ts',
];
const defaultSeeds = 100;
/** Of a trial that comes to no end, on a machine that others use too. */
const limit_ms = 400_000;

/** Not what a wrong order or a missing check leads to: the replacement itself is wrong. */
const ownFault = /\b(ReferenceError|SyntaxError|TypeError)\b/;

export interface Trial {
  readonly seeds?: number | undefined;
  readonly from?: number | undefined;
}

export async function tryMutant(mutant: Mutant, { seeds, from }: Trial = {}): Promise<Verdict> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-mutant-'));
  try {
    const error = make(mutant, folder);
    if (error !== null) return { kind: 'error', line: error };
    if (mutant.test !== undefined) return await runTest(folder, mutant.test);
    return await simulate(folder, seeds ?? mutant.seeds ?? defaultSeeds, from ?? 1);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Why the mutant cannot be made; null when it can. */
export function outdated({ file, find }: Mutant): string | null {
  const found = sourceOf(file).split(find).length - 1;
  return found === 1 ? null : `src/${file} holds ${found} times, not once: ${find}`;
}

const sourceOf = (file: string): string => readFileSync(join(root, 'src', file), 'utf8');

function make(mutant: Mutant, folder: string): string | null {
  const error = outdated(mutant);
  if (error !== null) return error;
  const { file, find, replace } = mutant;
  for (const each of copied) cpSync(join(root, each), join(folder, each), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(join(folder, 'src', file), sourceOf(file).split(find).join(replace));
  return null;
}

function simulate(folder: string, seeds: number, from: number): Promise<Verdict> {
  const args = ['--conditions=source', '--import', 'tsx', 'test/simulation/main.ts', '--stop-at-first'];
  return run(folder, [...args, '--seeds', String(seeds), '--from', String(from)], /^seed (\d+): .*\n {2}(.*)$/m);
}

function runTest(folder: string, test: string): Promise<Verdict> {
  const args = ['node_modules/vitest/vitest.mjs', 'run', '--project', 'property', join('test/property', test)];
  return run(folder, args, /FAIL +\|property\| ()(.*)$/m);
}

/** @param finding what shows it in the output: the seed, and what was wrong. */
function run(folder: string, args: readonly string[], finding: RegExp): Promise<Verdict> {
  const started_ms = performance.now();
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, {
      cwd: folder,
      env: { ...process.env, NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: limit_ms,
      killSignal: 'SIGKILL',
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.on('error', (error) => {
      resolve({ kind: 'error', line: error.message });
    });
    child.on('close', (code, signal) => {
      resolve(verdictOf(output, { code, signal, finding }, performance.now() - started_ms));
    });
  });
}

interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly finding: RegExp;
}

function verdictOf(output: string, { code, signal, finding }: Ended, took_ms: number): Verdict {
  if (signal !== null) return { kind: 'error', line: `ended by ${signal} after ${Math.round(took_ms / 1000)} s` };
  if (code === 0) return { kind: 'survived', took_ms };
  const found = finding.exec(output);
  if (found === null) return { kind: 'error', line: lastLine(output) };
  const [, seed, line] = found;
  if (ownFault.test(line!)) return { kind: 'error', line: `breaks by itself: ${line!}` };
  return { kind: 'found', seed: seed === '' ? null : Number(seed), line: line!, took_ms };
}

const lastLine = (output: string): string => output.trim().split('\n').at(-1) || 'no output';
