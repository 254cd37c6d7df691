import { expect, test } from 'vitest';
import { createMetrics } from '../../../src/observability/metrics.ts';
import { parseExposition } from '../../../src/operate/exposition.ts';
import { fleetStatus, quantile, type WorkerReading } from '../../../src/operate/fleet-status.ts';
import { renderStatus } from '../../../src/operate/status-table.ts';

/** What a worker with so many entity partitions really exports. */
async function reading(address: string, owned: number, lag: number): Promise<WorkerReading> {
  const metrics = createMetrics('1.2.3');
  metrics.gauge('millrace_partitions', { kind: 'entity' }).set(12);
  metrics.gauge('millrace_tasks_owned', { kind: 'entity' }).set(owned);
  metrics.gauge('millrace_tasks_restoring', {}).set(1);
  metrics.gauge('millrace_event_loop_utilization_ratio', {}).set(0.25);
  const at = { kind: 'entity', topic: 'millrace.user.g1.entity-log', partition: String(owned) };
  metrics.gauge('millrace_lag_records', at).set(lag);
  metrics.gauge('millrace_lag_seconds', at).set(lag / 100);
  const own = { entity: 'user', partition: String(owned) };
  metrics.gauge('millrace_state_keys', own).set(1000);
  metrics.gauge('millrace_watermark_age_seconds', own).set(5 + owned);
  metrics.gauge('millrace_clock_mark_age_seconds', own).set(1.5);
  for (const value of [0.004, 0.004, 0.004, 0.2])
    metrics.histogram('millrace_freshness_seconds', { view: 'user_features' }).observe(value);
  return { address, samples: parseExposition(await metrics.render()), problem: null };
}

const gone: WorkerReading = { address: 'http://10.0.0.3:8080', samples: [], problem: 'connect ECONNREFUSED' };

test('the fleet is the sum of its workers', async () => {
  const status = fleetStatus([
    await reading('http://10.0.0.1:8080', 7, 0),
    await reading('http://10.0.0.2:8080', 4, 300),
    gone,
  ]);
  expect(status.kinds).toEqual([{ kind: 'entity', partitions: 12, owned: 11, lag_records: 300, lag_seconds: 3 }]);
  expect(status.entities).toEqual([
    { entity: 'user', keys: 2000, watermark_age_seconds: 12, clock_mark_age_seconds: 1.5 },
  ]);
  expect(status.views).toMatchObject([{ view: 'user_features', values: 8 }]);
  expect(status.views[0]!.freshness_p50_seconds).toBeCloseTo(0.003 + 0.002 * (4 / 6), 6);
  expect(status.views[0]!.freshness_p99_seconds).toBeCloseTo(0.1 + 0.15 * (1.92 / 2), 6);
  expect(
    status.workers.map(({ address, problem, tasks, lag_records }) => ({ address, problem, tasks, lag_records })),
  ).toEqual([
    { address: 'http://10.0.0.1:8080', problem: null, tasks: { entity: 7 }, lag_records: 0 },
    { address: 'http://10.0.0.2:8080', problem: null, tasks: { entity: 4 }, lag_records: 300 },
    { address: 'http://10.0.0.3:8080', problem: 'connect ECONNREFUSED', tasks: {}, lag_records: 0 },
  ]);
});

test('as a table: partitions without an owner are marked, a worker that does not answer says why', async () => {
  const text = renderStatus(fleetStatus([await reading('http://10.0.0.1:8080', 7, 300), gone]));
  expect(text).toMatchInlineSnapshot(`
    "worker                version  entity  restoring  stuck  lag records    lag  pending values  busy
    http://10.0.0.1:8080    1.2.3       7          1      0          300  3.0 s               0  25 %
    http://10.0.0.3:8080  connect ECONNREFUSED

    tasks   partitions  owned  lag records    lag
    entity          12    7 !          300  3.0 s

    entity  keys  watermark age  clock mark age
    user    1000         12.0 s           1.5 s

    view           values  freshness p50       p99
    user_features       4         4.3 ms  244.0 ms
    "
  `);
});

test('text of the exposition format: escapes, infinities, comments', () => {
  const text =
    '# HELP a b\n# TYPE a gauge\na{x="1",y="a\\"b\\\\c\\nd, e=\\"f\\""} 2.5\nb_bucket{le="+Inf"} 3\nc +Inf\nd -Inf\ne 1e-7\n\n';
  expect(parseExposition(text)).toEqual([
    { name: 'a', labels: { x: '1', y: 'a"b\\c\nd, e="f"' }, value: 2.5 },
    { name: 'b_bucket', labels: { le: '+Inf' }, value: 3 },
    { name: 'c', labels: {}, value: Infinity },
    { name: 'd', labels: {}, value: -Infinity },
    { name: 'e', labels: {}, value: 1e-7 },
  ]);
});

test.each([
  [0.5, 1.5],
  [0.25, 1],
  [0.75, 2],
  [0.8, 2],
  [1, 2],
])('quantile %f of buckets is %f', (share, expected) => {
  const buckets = new Map([
    [1, 25],
    [2, 75],
    [Infinity, 100],
  ]);
  expect(quantile(buckets, share)).toBe(expected);
});

test('a quantile of nothing is none', () => {
  expect(quantile(new Map([[1, 0], [Infinity, 0]]), 0.5)).toBeNull(); // prettier-ignore
  expect(quantile(new Map(), 0.5)).toBeNull();
});
