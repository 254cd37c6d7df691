/** The manifests for kustomize, and the files for a laptop. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { connectorFindings } from '../../src/operate/connector-findings.ts';
import { loadDefinitions } from '../../src/cli/load-definitions.ts';
import { loadConfig } from '../../src/config/config.ts';
import { root, run } from '../ops/support.ts';
import { kubeconform, tool } from './tools.ts';

const folder = mkdtempSync(join(tmpdir(), 'millrace-manifests-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly data?: Readonly<Record<string, string>>;
}

const file = join(folder, 'kustomize.yaml');

test('kustomize renders valid Kubernetes', () => {
  const { ok, output } = run('kubectl', ['kustomize', 'deploy/kustomize/base']);
  expect(ok, output).toBe(true);
  writeFileSync(file, output);
  const checked = kubeconform([file]);
  expect(checked.output).toContain('7 resources found');
  expect(checked.ok, checked.output).toBe(true);
});

test('its settings are ones that a worker takes', () => {
  const manifests = parseAllDocuments(readFileSync(file, 'utf8')).map((document) => document.toJS() as Manifest);
  const settings = manifests.find(({ kind }) => kind === 'ConfigMap')!.data!;
  expect(loadConfig(settings, 'worker').stateDir).toBe('/var/lib/millrace/state');
});

interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly configs: { readonly prometheus: { readonly content: string } };
}

interface Service {
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly volumes?: readonly string[];
  readonly healthcheck?: object;
  readonly environment?: Readonly<Record<string, string | number>>;
}

const composeFile = `${root}deploy/compose/compose.yaml`;
const compose = parse(readFileSync(composeFile, 'utf8'), { merge: true }) as Compose;

/** What Docker Compose itself makes of a file: anchors merged, defaults filled in. */
const composed = (path: string): ReturnType<typeof run> =>
  run(tool('docker-compose'), ['-f', path, 'config', '--format', 'json']);

test('Docker Compose accepts its file', () => {
  const { ok, output } = composed('deploy/compose/compose.yaml');
  expect(ok, output).toBe(true);
  const { name, services } = JSON.parse(output) as Compose & { readonly name: string };
  expect(name).toBe('millrace');
  expect(Object.keys(services).sort()).toEqual(Object.keys(compose.services).sort());
  expect(services['worker-2']!.environment).toEqual(compose.services['worker-1']!.environment);
});

test.each([
  ['a setting that it does not know', 'mem_limit:', 'mem_limitz:', 'mem_limitz'],
  [
    'a service that is not there',
    'redis: { condition: service_healthy }',
    'rediz: { condition: service_healthy }',
    'rediz',
  ],
])('Docker Compose would refuse %s', (_, found, instead, named) => {
  const broken = join(folder, 'compose.yaml');
  const text = readFileSync(composeFile, 'utf8');
  expect(text).toContain(found);
  writeFileSync(broken, text.replaceAll(found, instead));
  const { ok, output } = composed(broken);
  expect(ok).toBe(false);
  expect(output).toContain(named);
});

test('compose: what a service waits for is there, and can become healthy', () => {
  for (const [name, { depends_on: dependencies = {} }] of Object.entries(compose.services)) {
    for (const [other, { condition }] of Object.entries(dependencies)) {
      expect(compose.services, `${name} waits for ${other}`).toHaveProperty(other);
      if (condition === 'service_healthy') expect(compose.services[other]).toHaveProperty('healthcheck');
    }
  }
});

test('compose: what is mounted from the checkout is there', () => {
  const mounts = Object.values(compose.services).flatMap(({ volumes = [] }) => volumes);
  expect(mounts.length).toBeGreaterThan(4);
  for (const mount of mounts) expect(existsSync(join(dirname(composeFile), mount.split(':')[0]!)), mount).toBe(true);
});

test('compose: the settings of the workers are ones that they take', () => {
  const environment = compose.services['worker-1']!.environment!;
  const settings = Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, String(value)]));
  expect(loadConfig(settings, 'worker').s3.bucket).toBe('features');
});

test('promtool accepts the settings of Prometheus, of the laptop and of compose', () => {
  const own = join(folder, 'prometheus.yaml');
  const text = compose.configs.prometheus.content.replace('rules/', `${root}deploy/prometheus/rules/`);
  writeFileSync(own, text);
  for (const settings of ['deploy/prometheus/prometheus.yaml', own]) {
    const { ok, output } = run('promtool', ['check', 'config', settings]);
    expect(ok, output).toBe(true);
    expect(output).toContain('5 rule files found');
  }
});

test('the connector is set up as the example’s definitions say', async () => {
  const config = JSON.parse(readFileSync(`${root}deploy/debezium/postgres-connector.json`, 'utf8')) as Record<
    string,
    string
  >;
  const plan = await loadDefinitions(`${root}examples/fraud/features.ts`);
  const findings = connectorFindings('shop', plan, { config, states: ['RUNNING'], trace: null });
  expect(findings.filter(({ level }) => level !== 'ok')).toEqual([]);
  expect(findings.length).toBeGreaterThan(2);
});
