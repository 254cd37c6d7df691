/** Every rule parses, asks for what is there, is tested, and says what to do. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { catalogue, type MetricEntry } from '../../src/observability/catalogue.ts';
import { ruleFiles, rules } from './rules.ts';
import { exportedSeries, filesIn, metricsOf, root, run } from './support.ts';

const testFiles = filesIn('deploy/prometheus/tests', '.yaml');
const alerts = rules.flatMap((rule) => (rule.alert === undefined ? [] : [{ ...rule, alert: rule.alert }]));

interface TestFile {
  readonly tests: readonly {
    readonly alert_rule_test?: readonly { readonly alertname: string; readonly exp_alerts?: readonly object[] }[];
    readonly input_series: readonly { readonly series: string }[];
  }[];
}
const promtoolTests = testFiles.flatMap((file) => (parse(readFileSync(root + file, 'utf8')) as TestFile).tests);

test('promtool accepts the rules', () => {
  const { ok, output } = run('promtool', ['check', 'rules', '--lint=all', '--lint-fatal', ...ruleFiles]);
  expect(ok, output).toBe(true);
});

test('promtool’s tests of the rules pass', () => {
  const { ok, output } = run('promtool', ['test', 'rules', ...testFiles]);
  expect(ok, output).toBe(true);
  expect(output.match(/SUCCESS/g)).toHaveLength(testFiles.length);
});

test.each(rules)('$alert$record asks for what is exported or recorded', async ({ expr }) => {
  const known = new Set([...(await exportedSeries()), ...rules.flatMap(({ record }) => record ?? [])]);
  expect(metricsOf(expr)).not.toEqual([]);
  expect(metricsOf(expr).filter((name) => !known.has(name))).toEqual([]);
});

test('what the tests put in is what workers export: name and labels', async () => {
  const exported = await exportedSeries();
  for (const { series } of promtoolTests.flatMap((each) => each.input_series)) {
    const [name, labels] = series.split('{') as [string, string];
    expect(exported).toContain(name);
    const metric = name.replace(/_(bucket|count|sum)$/, '');
    const entry = (catalogue as Readonly<Record<string, MetricEntry>>)[name in catalogue ? name : metric];
    if (entry === undefined) continue;
    const given = [...labels.matchAll(/(\w+)=/g)].map(([, label]) => label!);
    const own = given.filter((label) => !['job', 'instance', 'le', 'namespace'].includes(label));
    expect(own.sort(), series).toEqual([...entry.labels].sort());
  }
});

test.each(alerts)('$alert is tested to fire', ({ alert }) => {
  const tests = promtoolTests.flatMap((each) => each.alert_rule_test ?? []);
  expect(tests.some(({ alertname, exp_alerts = [] }) => alertname === alert && exp_alerts.length > 0)).toBe(true);
});

test.each(alerts)('$alert has a severity, a summary and a runbook', ({ alert, labels, annotations }) => {
  expect(['critical', 'warning', 'info']).toContain(labels?.['severity']);
  expect(annotations?.['summary']).toMatch(/\S/);
  expect(annotations?.['runbook_url']).toBe(`docs/runbooks/${alert}.md`);
  const page = readFileSync(`${root}docs/runbooks/${alert}.md`, 'utf8');
  expect(page.startsWith(`# ${alert}: `)).toBe(true);
  expect(page.match(/^## .*/gm)).toEqual(['## What it means', '## What to look at', '## What to do']);
});

test('each runbook is of an alert, and the index names them all', () => {
  const pages = filesIn('docs/runbooks', '.md').map((file) => file.slice('docs/runbooks/'.length, -'.md'.length));
  expect(pages.sort()).toEqual(['README', ...alerts.map(({ alert }) => alert)].sort());
  const index = readFileSync(`${root}docs/runbooks/README.md`, 'utf8');
  for (const { alert, file } of alerts)
    expect(index).toMatch(new RegExp(`\\[${alert}\\]\\(${alert}\\.md\\) +\\| \`${file.split('/').at(-1)}\``));
});

test('metrics that the runbooks name are exported', async () => {
  const exported = await exportedSeries();
  for (const { alert } of alerts) {
    const page = readFileSync(`${root}docs/runbooks/${alert}.md`, 'utf8');
    const names = [...page.matchAll(/`((?:millrace|process|nodejs)_\w+)/g)].map(([, name]) => name!);
    const known = (name: string): boolean => exported.has(name) || exported.has(`${name}_count`);
    expect(names.filter((name) => !known(name))).toEqual([]);
  }
});
