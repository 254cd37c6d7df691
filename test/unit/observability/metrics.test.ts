import { expect, test } from 'vitest';
import { catalogue, type MetricEntry } from '../../../src/observability/catalogue.ts';
import { createMetrics, noMetrics } from '../../../src/observability/metrics.ts';

const entries = Object.entries<MetricEntry>(catalogue);

test('every metric of the catalogue is rendered with its help and its type, before anything is counted', async () => {
  const text = await createMetrics('1.2.3').render();
  for (const [name, { help, type }] of entries) {
    expect(text).toContain(`# HELP ${name} ${help}\n`);
    expect(text).toContain(`# TYPE ${name} ${type}\n`);
  }
});

test('the process itself is measured, too', async () => {
  const text = await createMetrics('1.2.3').render();
  expect(text).toMatch(/^process_resident_memory_bytes \d/m);
  expect(text).toContain('millrace_build_info{version="1.2.3"} 1\n');
});

test('counters add up per label, gauges keep the last value, histograms count into buckets', async () => {
  const metrics = createMetrics('0');
  const rows = metrics.counter('millrace_source_records_total', { topic: 'a', outcome: 'row' });
  rows.add(2);
  rows.add(3);
  metrics.counter('millrace_source_records_total', { topic: 'b', outcome: 'row' }).add(1);
  metrics.gauge('millrace_online_pending_values', {}).set(7);
  metrics.gauge('millrace_online_pending_values', {}).set(4);
  metrics.histogram('millrace_freshness_seconds', { view: 'v' }).observe(0.004);
  const text = await metrics.render();
  expect(text).toContain('millrace_source_records_total{topic="a",outcome="row"} 5\n');
  expect(text).toContain('millrace_source_records_total{topic="b",outcome="row"} 1\n');
  expect(text).toContain('millrace_online_pending_values 4\n');
  expect(text).toContain('millrace_freshness_seconds_bucket{le="0.003",view="v"} 0\n');
  expect(text).toContain('millrace_freshness_seconds_bucket{le="0.005",view="v"} 1\n');
  expect(text).toContain('millrace_freshness_seconds_count{view="v"} 1\n');
});

test('the series of a partition that left is forgotten, the others stay', async () => {
  const metrics = createMetrics('0');
  for (const partition of ['0', '1']) metrics.gauge('millrace_state_keys', { entity: 'user', partition }).set(5);
  metrics.remove('millrace_state_keys', { entity: 'user', partition: '0' });
  const text = await metrics.render();
  expect(text).not.toContain('millrace_state_keys{entity="user",partition="0"}');
  expect(text).toContain('millrace_state_keys{entity="user",partition="1"} 5\n');
});

test('two sets of metrics do not share what they count', async () => {
  const [one, other] = [createMetrics('1'), createMetrics('2')];
  one.counter('millrace_frames_total', { entity: 'user' }).add(1);
  expect(await other.render()).not.toContain('millrace_frames_total{');
});

test('names, labels and buckets keep to the rules of Prometheus', () => {
  for (const [name, { type, labels, buckets = [] }] of entries) {
    expect(name).toMatch(/^millrace_[a-z_]+$/);
    expect(name.endsWith('_total')).toBe(type === 'counter');
    for (const label of labels) expect(label).toMatch(/^[a-z_]+$/);
    expect(buckets).toEqual([...buckets].sort((a, b) => a - b));
    expect(buckets.length > 0).toBe(type === 'histogram');
    if (type === 'histogram') expect(name).toMatch(/_seconds$/);
  }
});

test('where nothing is counted, nothing is rendered', async () => {
  noMetrics.counter('millrace_frames_total', { entity: 'user' }).add(1);
  noMetrics.gauge('millrace_online_pending_values', {}).set(1);
  noMetrics.histogram('millrace_commit_seconds', {}).observe(1);
  noMetrics.remove('millrace_online_pending_values', {});
  expect(await noMetrics.render()).toBe('');
});
