/** `millrace worker` as a process of its own, as an operator runs it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { until } from './until.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

export interface WorkerProcessOptions {
  readonly nodeFlags?: readonly string[] | undefined;
  readonly root?: string | undefined;
}

export class WorkerProcess {
  /** What it said on standard error: log lines, and the last words of a worker that cannot go on. */
  readonly said: string[] = [];
  private readonly child: ChildProcess;
  private readonly ended: Promise<number | null>;
  /** Its disk, unless the test gave one: it goes with the process. */
  private readonly disk: string | null;

  /**
   * @param options.nodeFlags for Node.js itself.
   * @param options.root where the sources are, if not here.
   */
  constructor(definitions: string, env: Readonly<Record<string, string>>, options: WorkerProcessOptions = {}) {
    this.disk = env['MILLRACE_STATE_DIR'] === undefined ? mkdtempSync(join(tmpdir(), 'millrace-state-')) : null;
    const state = this.disk === null ? {} : { MILLRACE_STATE_DIR: this.disk };
    this.child = spawn(
      process.execPath,
      [
        ...(options.nodeFlags ?? []),
        '--conditions=source',
        '--import',
        'tsx',
        'src/cli/main.ts',
        'worker',
        definitions,
      ],
      {
        cwd: options.root ?? root,
        env: { ...process.env, MILLRACE_HTTP_PORT: '0', ...state, ...env },
        stdio: ['ignore', 'ignore', 'pipe'],
      },
    );
    // Who started it may be told to end in the middle of anything; a worker alone would go on for ever.
    const end = (): unknown => this.child.kill('SIGKILL');
    process.once('exit', end);
    this.ended = once(this.child, 'close').then(([code]) => {
      process.off('exit', end);
      if (this.disk !== null) rmSync(this.disk, { recursive: true, force: true });
      return code as number | null;
    });
    createInterface({ input: this.child.stderr! }).on('line', (line) => this.said.push(line));
  }

  get pid(): number {
    return this.child.pid!;
  }

  /** The log lines with a message. */
  logged(message: string): LogLine[] {
    return this.said.flatMap((line) => {
      if (!line.startsWith('{')) return [];
      const parsed = JSON.parse(line) as LogLine;
      return parsed.msg === message ? [parsed] : [];
    });
  }

  /** Its HTTP address, once it runs. */
  async url(): Promise<string> {
    await until(`a worker runs; it said:\n${this.said.join('\n')}`, () => {
      if (this.child.exitCode !== null) throw new Error(`the worker ended:\n${this.said.join('\n')}`);
      return this.logged('running').length > 0;
    });
    return this.logged('running')[0]!['url'] as string;
  }

  /** The samples of a metric, by their labels as they are written. */
  async metric(name: string): Promise<Map<string, number>> {
    const body = await (await fetch(`${await this.url()}/metrics`)).text();
    const samples = new Map<string, number>();
    for (const line of body.split('\n')) {
      const match = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line);
      if (match?.[1] === name) samples.set(match[2] ?? '', Number(match[3]));
    }
    return samples;
  }

  /** A metric over all its labels, or over those that contain a text. */
  async total(name: string, labels = ''): Promise<number> {
    const samples = await this.metric(name);
    return [...samples].reduce((sum, [label, value]) => (label.includes(labels) ? sum + value : sum), 0);
  }

  async isReady(): Promise<boolean> {
    return (await fetch(`${await this.url()}/readyz`)).status === 200;
  }

  /** What the liveness probe of its pod would find. */
  async isLive(): Promise<boolean> {
    return (await fetch(`${await this.url()}/livez`)).status === 200;
  }

  signal(signal: NodeJS.Signals): void {
    if (this.child.exitCode === null) this.child.kill(signal);
  }

  /** @returns the exit code; null when a signal ended it. */
  exited(): Promise<number | null> {
    return this.ended;
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    if (this.child.exitCode === null) this.child.kill(signal);
    return this.ended;
  }
}
