/** A real Prometheus with the rules of `deploy/prometheus`, their waiting times shortened to a tenth: expressions stay what they are. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse, stringify } from 'yaml';
import { until } from './until.ts';

const rulesFolder = fileURLToPath(new URL('../../deploy/prometheus/rules/', import.meta.url));
const units_s = { s: 1, m: 60, h: 3600 } as const;

interface RuleFile {
  readonly groups: { interval?: string; readonly rules: { for?: string; readonly expr: string }[] }[];
}

export interface Series {
  readonly metric: Readonly<Record<string, string>>;
}

export class Prometheus {
  private readonly child: ChildProcess;
  private readonly folder: string;
  private readonly url: string;

  private constructor(child: ChildProcess, folder: string, url: string) {
    this.child = child;
    this.folder = folder;
    this.url = url;
  }

  /** Scrapes these every second. */
  static async start(targets: readonly string[]): Promise<Prometheus> {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-prometheus-'));
    mkdirSync(join(folder, 'rules'));
    for (const file of readdirSync(rulesFolder)) {
      writeFileSync(join(folder, 'rules', file), shortened(readFileSync(rulesFolder + file, 'utf8')));
    }
    const settings = {
      global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
      rule_files: ['rules/*.yaml'],
      scrape_configs: [{ job_name: 'millrace', static_configs: [{ targets }] }],
    };
    writeFileSync(join(folder, 'prometheus.yaml'), stringify(settings));
    const address = `127.0.0.1:${await freePort()}`;
    const child = spawn(
      'prometheus',
      [
        `--config.file=${join(folder, 'prometheus.yaml')}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        `--web.listen-address=${address}`,
        '--log.level=error',
      ],
      { stdio: 'ignore' },
    );
    const prometheus = new Prometheus(child, folder, `http://${address}`);
    await until('Prometheus is ready', () => prometheus.isReady());
    return prometheus;
  }

  /** Names of the alerts that fire. */
  async firing(): Promise<string[]> {
    const found = await this.query('ALERTS{alertstate="firing"}');
    return [...new Set(found.map(({ metric }) => metric['alertname']!))].sort();
  }

  async query(expression: string): Promise<readonly Series[]> {
    const answer = await fetch(`${this.url}/api/v1/query?${new URLSearchParams({ query: expression }).toString()}`);
    const { data, error } = (await answer.json()) as { data?: { result: Series[] }; error?: string };
    if (data === undefined) throw new Error(`${expression}: ${error}`);
    return data.result;
  }

  async stop(): Promise<void> {
    this.child.kill('SIGTERM');
    await once(this.child, 'exit');
    rmSync(this.folder, { recursive: true });
  }

  private async isReady(): Promise<boolean> {
    try {
      return (await fetch(`${this.url}/-/ready`)).ok;
    } catch {
      return false;
    }
  }
}

function shortened(text: string): string {
  const file = parse(text) as RuleFile;
  for (const rule of file.groups.flatMap((group) => group.rules)) {
    const match = /^(\d+)([smh])$/.exec(rule.for ?? '');
    if (match === null) continue;
    rule.for = `${Math.ceil((Number(match[1]) * units_s[match[2] as keyof typeof units_s]) / 10)}s`;
  }
  return stringify(file);
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => {
        resolve(port);
      });
    });
  });
}
