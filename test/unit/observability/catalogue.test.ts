import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { expect, test } from 'vitest';
import { catalogue, type MetricEntry } from '../../../src/observability/catalogue.ts';

const page = fileURLToPath(new URL('../../../docs/metrics.md', import.meta.url));
const entries = Object.entries<MetricEntry>(catalogue);

const introduction = `# Metrics

At \`/metrics\` of every worker, in the text format of Prometheus. Base units: seconds, bytes. Labels are bounded by the definitions and
the topology, never by keys. Beside these come the process metrics of prom-client (\`process_cpu_seconds_total\`,
\`process_resident_memory_bytes\`, \`nodejs_eventloop_lag_seconds\` …).

This page is written from \`src/observability/catalogue.ts\`; after a change there: \`npx vitest run --project unit -u catalogue\`.
`;

function render(): string {
  const rows = entries.map(([name, { type, labels, help }]) => {
    const labelled = labels.map((label) => `\`${label}\``).join(', ');
    return `| \`${name}\` | ${type} | ${labelled} | ${help} |`;
  });
  return [introduction, '| metric | type | labels | meaning |', '| --- | --- | --- | --- |', ...rows, ''].join('\n');
}

test('docs/metrics.md says what the catalogue says', async () => {
  const formatted = await format(render(), { ...(await resolveConfig(page)), parser: 'markdown' });
  await expect(formatted).toMatchFileSnapshot(page);
});

test.each(entries)('%s is named and explained as Prometheus asks', (name, { type, help }) => {
  expect(name).toMatch(/^millrace_[a-z_]+$/);
  expect(name.endsWith('_total')).toBe(type === 'counter');
  expect(help).toMatch(/^[A-Z].*\.$/);
});
