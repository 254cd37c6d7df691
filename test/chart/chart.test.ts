/** The Helm chart: linted, tested by helm-unittest, rendered for each values file, and held against Kubernetes' schemas. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { parse, parseAllDocuments, stringify } from 'yaml';
import { filesIn, root, run } from '../ops/support.ts';
import { kubeconform, tool } from './tools.ts';

const chart = 'helm/millrace';
const valuesFiles = filesIn(`${chart}/ci`, '-values.yaml');
const folder = mkdtempSync(join(tmpdir(), 'millrace-chart-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec?: { readonly groups?: readonly object[] };
}

function rendered(values: string): { readonly file: string; readonly manifests: readonly Manifest[] } {
  const { ok, output } = run(tool('helm'), [
    'template',
    'shop',
    chart,
    '--namespace',
    'features',
    '--kube-version',
    '1.34.0',
    '--values',
    values,
  ]);
  expect(ok, output).toBe(true);
  const file = join(folder, basename(values));
  writeFileSync(file, output);
  return { file, manifests: parseAllDocuments(output).map((document) => document.toJS() as Manifest) };
}

test.each(['deploy/prometheus/rules', 'deploy/grafana/dashboards'])('the chart carries what is in %s', async (from) => {
  const own = `${chart}/files/${basename(from)}`;
  const files = filesIn(from, '').map((file) => basename(file));
  expect(filesIn(own, '').map((file) => basename(file))).toEqual(files);
  for (const file of files) {
    await expect(readFileSync(`${root}${from}/${file}`, 'utf8')).toMatchFileSnapshot(`${root}${own}/${file}`);
  }
});

test('the chart installs the version that it comes with', () => {
  const { version } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as { version: string };
  const own = parse(readFileSync(`${root}${chart}/Chart.yaml`, 'utf8')) as { version: string; appVersion: string };
  expect(own).toMatchObject({ version, appVersion: version });
});

test('helm-unittest passes', () => {
  const { ok, output } = run(tool('helm-unittest'), ['--color=false', chart]);
  expect(ok, output).toBe(true);
});

test('without values it is refused, and says what is missing', () => {
  const { ok, output } = run(tool('helm'), ['template', 'shop', chart, '--kube-version', '1.34.0']);
  expect(ok).toBe(false);
  expect(output).toContain("at '/kafka/brokers'");
});

test.each(valuesFiles)('%s: lint', (values) => {
  const { ok, output } = run(tool('helm'), ['lint', '--strict', '--values', values, chart]);
  expect(ok, output).toBe(true);
});

test.each(valuesFiles)('%s: what is rendered is valid Kubernetes', (values) => {
  const { file, manifests } = rendered(values);
  const { ok, output } = kubeconform([file]);
  expect(output).toContain(`${manifests.length} resources found`);
  expect(output).toContain('Skipped: 0');
  expect(ok, output).toBe(true);
});

test('a manifest with an unknown field would be found', () => {
  const { manifests } = rendered(`${chart}/ci/minimal-values.yaml`);
  const worker = manifests.find(({ kind }) => kind === 'Deployment')!;
  const file = join(folder, 'broken.yaml');
  writeFileSync(file, stringify({ ...worker, spec: { ...worker.spec, replicaz: 3 } }));
  expect(kubeconform([file]).output).toContain('replicaz');
});

// Parsed, so that blank lines and the order of keys are free.
test.each(valuesFiles)('%s: renders as it did', async (values) => {
  const { manifests } = rendered(values);
  const sorted = [...manifests].sort((a, b) => (idOf(a) < idOf(b) ? -1 : 1));
  const text = sorted.map((manifest) => stringify(manifest, { sortMapEntries: true, lineWidth: 0 })).join('---\n');
  const golden = `${root}${chart}/golden/${basename(values, '-values.yaml')}.yaml`;
  await expect(text).toMatchFileSnapshot(golden);
});

test('the rules that the chart renders are accepted by promtool', () => {
  const rule = rendered(`${chart}/ci/hpa-values.yaml`).manifests.find(({ kind }) => kind === 'PrometheusRule');
  const file = join(folder, 'rules.yaml');
  writeFileSync(file, stringify({ groups: rule!.spec!.groups }));
  const { ok, output } = run('promtool', ['check', 'rules', '--lint=all', '--lint-fatal', file]);
  expect(ok, output).toBe(true);
});

const idOf = ({ kind, metadata }: Manifest): string => `${kind}/${metadata.name}`;
