import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { totalmem, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createMetrics } from '../../../src/observability/metrics.ts';
import { measureProcess } from '../../../src/observability/process-metrics.ts';
import { SteppedClock } from '../../support/stepped-clock.ts';
import { until } from '../../support/until.ts';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'millrace-metrics-'))));
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const valueOf = (text: string, series: string): number =>
  Number(new RegExp(`^${series.replace(/[{}]/g, '\\$&')} (\\S+)$`, 'm').exec(text)?.[1]);

test('a blocked event loop shows as delay and as utilization', async () => {
  const [clock, metrics] = [new SteppedClock(0), createMetrics('0')];
  const end = measureProcess(metrics, clock, null);
  await new Promise((resolve) => setTimeout(resolve, 30));
  const blockedUntil = performance.now() + 200;
  while (performance.now() < blockedUntil);
  await new Promise((resolve) => setTimeout(resolve, 30));
  await clock.pass(10_000);
  end();
  const text = await metrics.render();
  expect(valueOf(text, 'millrace_event_loop_delay_seconds{quantile="1"}')).toBeGreaterThan(0.15);
  expect(valueOf(text, 'millrace_event_loop_delay_seconds{quantile="0.5"}')).toBeLessThan(0.1);
  const utilization = valueOf(text, 'millrace_event_loop_utilization_ratio');
  expect(utilization).toBeGreaterThan(0.4);
  expect(utilization).toBeLessThanOrEqual(1);
});

test('memory limits are those of the container or the machine, and of the heap', async () => {
  const metrics = createMetrics('0');
  measureProcess(metrics, new SteppedClock(0), null)();
  const text = await metrics.render();
  const limit = valueOf(text, 'millrace_memory_limit_bytes');
  expect(limit).toBeGreaterThan(process.memoryUsage.rss());
  expect(limit).toBeLessThanOrEqual(totalmem());
  expect(valueOf(text, 'millrace_heap_limit_bytes')).toBeGreaterThan(process.memoryUsage().heapUsed);
});

test('the state directory is counted, whole, beside the size of its file system', async () => {
  const [clock, metrics] = [new SteppedClock(0), createMetrics('0')];
  writeFileSync(join(folder, 'one'), Buffer.alloc(300_000, 1));
  const end = measureProcess(metrics, clock, folder);
  const size = async (): Promise<number> => valueOf(await metrics.render(), 'millrace_state_disk_bytes');
  await until('it is counted', async () => (await size()) >= 300_000);
  writeFileSync(join(folder, 'two'), Buffer.alloc(500_000, 1));
  await clock.pass(30_000);
  await until('it is counted again', async () => (await size()) >= 800_000);
  end();
  const text = await metrics.render();
  const free = valueOf(text, 'millrace_state_volume_free_bytes');
  expect(free).toBeGreaterThan(0);
  expect(valueOf(text, 'millrace_state_volume_bytes')).toBeGreaterThan(free);
});

test('a state directory that is not there yet stops nothing', async () => {
  const [clock, metrics] = [new SteppedClock(0), createMetrics('0')];
  const end = measureProcess(metrics, clock, join(folder, 'none'));
  await clock.pass(30_000);
  end();
  expect(valueOf(await metrics.render(), 'millrace_state_disk_bytes')).toBe(0);
});
