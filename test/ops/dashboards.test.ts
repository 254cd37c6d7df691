/** The dashboards that are checked in are those that the code makes; each query parses and asks for what is there. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { stringify } from 'yaml';
import { dashboards, render } from '../../deploy/grafana/dashboards.ts';
import { rules } from './rules.ts';
import { exportedSeries, filesIn, metricsOf, root, run } from './support.ts';

const folder = 'deploy/grafana/dashboards';
const queries = dashboards.flatMap(({ name, rows }) =>
  rows.flatMap(({ panels }) =>
    panels.flatMap((panel) =>
      panel.queries.map(([expression, legend]) => ({ place: `${name}: ${panel.title}`, expression, legend })),
    ),
  ),
);

test.each(dashboards)('$name.json is what the code makes', async (dashboard) => {
  await expect(render(dashboard)).toMatchFileSnapshot(`${root}${folder}/${dashboard.name}.json`);
});

test('there is no other dashboard', () => {
  expect(filesIn(folder, '.json').sort()).toEqual(dashboards.map(({ name }) => `${folder}/${name}.json`).sort());
});

test('every query is in the JSON, with its data source', () => {
  for (const dashboard of dashboards) {
    const { panels } = JSON.parse(render(dashboard)) as { panels: Panel[] };
    const targets = panels.filter(({ type }) => type !== 'row').flatMap((panel) => panel.targets);
    expect(targets.map(({ expr }) => expr)).toEqual(
      dashboard.rows.flatMap((row) => row.panels.flatMap((panel) => panel.queries.map(([expression]) => expression))),
    );
    for (const panel of panels) if (panel.type !== 'row') expect(panel.datasource.uid).toBe('$datasource');
  }
});

interface Panel {
  readonly type: string;
  readonly targets: readonly { readonly expr: string }[];
  readonly datasource: { readonly uid: string };
}

test('every query parses', () => {
  const temporary = mkdtempSync(join(tmpdir(), 'millrace-dashboards-'));
  try {
    const file = join(temporary, 'queries.yaml');
    const records = queries.map(({ expression }, i) => ({ record: `query:${i}`, expr: expression }));
    writeFileSync(file, stringify({ groups: [{ name: 'queries', rules: records }] }));
    const { ok, output } = run('promtool', ['check', 'rules', file]);
    expect(output).toContain(`${queries.length} rules found`);
    expect(ok).toBe(true);
    writeFileSync(file, stringify({ groups: [{ name: 'queries', rules: [{ record: 'q', expr: 'sum by (' }] }] }));
    expect(run('promtool', ['check', 'rules', file]).ok, 'one that does not parse is found').toBe(false);
  } finally {
    rmSync(temporary, { recursive: true });
  }
});

test.each(queries)('$place asks for what is exported or recorded', async ({ expression, legend }) => {
  const exported = await exportedSeries();
  const known = new Set([...exported, ...rules.flatMap(({ record }) => record ?? []), 'ALERTS']);
  const asked = metricsOf(expression);
  expect(asked).not.toEqual([]);
  expect(asked.filter((name) => !known.has(name))).toEqual([]);
  expect(legend).not.toBe('');
});
