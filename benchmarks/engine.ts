/**
 * What a row costs in the engine alone: frames through an entity task, values and changes taken, no log and no store. The cost must not
 * depend on how many panes a window has, and hardly on how many keys there are.
 */
import {
  count,
  debezium,
  decimal,
  distinctCount,
  entity,
  featureView,
  int64,
  max,
  mean,
  min,
  sliding,
  sum,
  text,
  timestamp,
  type Duration,
  type Feature,
  type FeatureView,
} from 'millrace';
import { buildPlan } from '../src/define/plan-builder.ts';
import type { EntityPlan, Row } from '../src/define/plan.ts';
import { EntityTask } from '../src/entity/entity-task.ts';
import type { RowEntry } from '../src/frames/row-frame.ts';
import { count as separated, report } from './report.ts';

const frameRows = 50;
/** Rows between two commits: what changed is taken then. */
const commitRows = 2_000;
const rounds = 5;

const user = entity('user', { key: { user_id: int64() }, partitions: 1 });
const shop = debezium({ prefix: 'bench', decimals: 'string', times: 'microseconds' });
const transactions = shop.table('public.transactions', {
  columns: {
    transaction_id: int64(),
    user_id: int64(),
    amount: decimal(12, 2),
    merchant: text(),
    transaction_time: timestamp(6),
  },
  primaryKey: ['transaction_id'],
  replicaIdentity: 'full',
  time: { event: 'transaction_time', outOfOrderness: '5s' },
});

interface Case {
  readonly size: Duration;
  readonly resolution: Duration;
  readonly aggregates: number;
  readonly keys: number;
  /** Rows of one key that are in a window at once. */
  readonly rowsPerWindow: number;
}

/** The view of a case: count, sum, max and exact distinct by turns, then the same of other columns or filters. */
function viewOf({ size, resolution, aggregates }: Case): FeatureView {
  const window = sliding(size, { resolution });
  return featureView('bench', {
    entity: user,
    from: { tx: transactions.by({ user_id: 'user_id' }) },
    features: ({ tx }) => {
      const kinds: readonly Feature[] = [
        count(tx).over(window),
        sum(tx.amount).over(window),
        max(tx.amount).over(window),
        distinctCount(tx.merchant).over(window),
        mean(tx.transaction_id).over(window),
        min(tx.merchant).over(window),
        max(tx.transaction_id).over(window),
        min(tx.transaction_id).over(window),
        sum(tx.transaction_id).over(window),
        distinctCount(tx.amount).over(window),
      ];
      return Object.fromEntries(Array.from({ length: aggregates }, (_, i) => [`f${i}`, kinds[i % kinds.length]!]));
    },
  });
}

interface Cost {
  readonly perRow_ns: number;
  readonly stateBytesPerKey: number;
}

function run(options: Case, rows: number): Cost {
  const plan = buildPlan({ bench: viewOf(options) }).entities[0]!;
  const task = new EntityTask(plan);
  const sizes = new Map<string, number>();
  const feed = new Feed(plan, options);
  // One window's worth of rows first: then as many leave as come.
  const warm = Math.min(options.keys * options.rowsPerWindow, rows);
  drive(task, feed, warm, sizes);
  const before = process.cpuUsage();
  drive(task, feed, rows, sizes);
  const { user: user_us, system } = process.cpuUsage(before);
  let bytes = 0;
  for (const size of sizes.values()) bytes += size;
  return { perRow_ns: ((user_us + system) * 1000) / rows, stateBytesPerKey: bytes / Math.max(1, task.size) };
}

function drive(task: EntityTask, feed: Feed, rows: number, sizes: Map<string, number>): void {
  for (let done = 0; done < rows; done += frameRows) {
    task.apply(feed.frame(), feed.position++);
    if (done % commitRows !== 0) continue;
    for (const { key, value } of task.takeChanges()) {
      const name = Buffer.from(key).toString('latin1');
      if (value === null) sizes.delete(name);
      else sizes.set(name, key.length + value.length);
    }
  }
}

/** Rows in the order of time, their keys by turns, so that each key's window holds as many as the case says. */
class Feed {
  position = 0;
  private readonly table: number;
  private readonly keys: number;
  private readonly step_us: number;
  private row = 0;
  private number = 0;

  constructor(plan: EntityPlan, { keys, size, rowsPerWindow }: Case) {
    this.table = plan.tables.findIndex(({ name }) => name === transactions.name);
    this.keys = keys;
    this.step_us = sliding(size).size_us / (keys * rowsPerWindow);
  }

  frame(): Parameters<EntityTask['apply']>[0] {
    const rows = Array.from({ length: frameRows }, () => this.next());
    const time_us = rows.at(-1)!.commit_us - 5_000_000;
    return {
      kind: 'rows',
      source: { table: this.table, topicId: '0'.repeat(32), partition: 0, partitionCount: 1 },
      session: 1,
      number: this.number++,
      marks: { data_us: time_us, clock_us: time_us },
      rows,
    };
  }

  private next(): RowEntry {
    const id = this.row++;
    const time_us = 1_800_000_000_000_000 + Math.floor(id * this.step_us);
    const after: Row = [
      BigInt(id),
      BigInt((id * 7919) % this.keys),
      BigInt((id * 2_654_435) % 100_000),
      `merchant-${(id * 31) % 50}`,
      BigInt(time_us),
    ];
    return { offset: id, operation: 'c', commit_us: time_us, ingest_ms: 0, routes: 2, before: null, after };
  }
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;

export function engine(): void {
  panes();
  keysAndAggregates();
}

/** The same rows through windows of one to hundreds of panes, in turns. */
function panes(): void {
  const base = { aggregates: 4, keys: 1000, rowsPerWindow: 300 };
  const cases: readonly Case[] = [
    { ...base, size: '5m', resolution: '5m' },
    { ...base, size: '5m', resolution: '30s' },
    { ...base, size: '5m', resolution: '5s' },
    { ...base, size: '5m', resolution: '1s' },
    { ...base, size: '1h', resolution: '12s' },
    { ...base, size: '7d', resolution: '30m' },
    { ...base, size: '30d', resolution: '1h' },
  ];
  const costs = cases.map((): Cost[] => []);
  for (let round = 0; round < rounds; round++) cases.forEach((each, i) => costs[i]!.push(run(each, 300_000)));
  const medians = costs.map((each) => median(each.map(({ perRow_ns }) => perRow_ns)));
  const cheapest = Math.min(...medians);
  report(
    'engine: count, sum, max, exact distinct over sliding windows; 1,000 keys, 300 rows in each window',
    ['window / pane', 'panes', 'CPU ns/row', 'ratio', 'state bytes/key'],
    cases.map(({ size, resolution }, i) => [
      `${size} / ${resolution}`,
      separated(sliding(size).size_us / sliding(size, { resolution }).resolution_us),
      separated(medians[i]!),
      (medians[i]! / cheapest).toFixed(2),
      separated(costs[i]![0]!.stateBytesPerKey),
    ]),
  );
}

function keysAndAggregates(): void {
  const window = { size: '5m', resolution: '1s', rowsPerWindow: 20 } as const;
  const rows = [
    { keys: 1_000, aggregates: 1 },
    { keys: 1_000, aggregates: 4 },
    { keys: 1_000, aggregates: 20 },
    { keys: 100_000, aggregates: 4 },
    { keys: 1_000_000, aggregates: 4 },
  ].map(({ keys, aggregates }) => {
    const rowsPerWindow = keys === 1_000_000 ? 2 : window.rowsPerWindow;
    const { perRow_ns, stateBytesPerKey } = run(
      { ...window, rowsPerWindow, keys, aggregates },
      Math.max(300_000, keys),
    );
    return [`${separated(keys)} keys, ${aggregates} aggregates`, separated(perRow_ns), separated(stateBytesPerKey)];
  });
  report('engine: sliding 5m / 1s', ['', 'CPU ns/row', 'state bytes/key'], rows);
}
