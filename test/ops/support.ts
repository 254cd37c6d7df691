/** Tools that check what is deployed, and what a worker really exports. */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createMetrics } from '../../src/observability/metrics.ts';

export const root = fileURLToPath(new URL('../../', import.meta.url));

/** Runs a tool from the root of the project. */
export function run(tool: string, args: readonly string[]): { readonly ok: boolean; readonly output: string } {
  const { status, stdout, stderr, error } = spawnSync(tool, args, { cwd: root, encoding: 'utf8' });
  if (error !== undefined) throw new Error(`${tool} does not run; deploy/ops/tools.sh gets it`, { cause: error });
  return { ok: status === 0, output: stdout + stderr };
}

export const filesIn = (folder: string, ending: string): string[] =>
  readdirSync(root + folder)
    .filter((file) => file.endsWith(ending))
    .map((file) => `${folder}/${file}`);

/** Names of all series that `/metrics` may have, and `up`, which Prometheus adds. */
export async function exportedSeries(): Promise<ReadonlySet<string>> {
  const text = await createMetrics('0').render();
  const names = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].flatMap(([, name, type]) =>
    type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name!],
  );
  return new Set([...names, 'up']);
}

/** The metrics that an expression names, by the words that Millrace, Node.js and Prometheus begin them with. */
export function metricsOf(expression: string): string[] {
  const unquoted = expression.replaceAll(/"[^"]*"/g, '""').replaceAll(/#.*$/gm, '');
  const found = unquoted.match(/\b(?:\w+:millrace_\w+:\w+|(?:millrace|process|nodejs)_\w+|ALERTS|up)\b/g);
  return [...new Set(found ?? [])];
}
