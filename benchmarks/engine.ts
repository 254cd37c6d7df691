/**
 * What a row costs in the engine alone: frames through an entity task, values and changes taken, no log and no store. The cost must not
 * depend on how many panes a window has, and hardly on how many keys there are.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import {
  count,
  distinctCount,
  featureView,
  max,
  mean,
  min,
  sliding,
  sum,
  type Duration,
  type Feature,
  type FeatureView,
} from 'millrace';
import { buildPlan } from '../src/define/plan-builder.ts';
import { EntityTask } from '../src/entity/entity-task.ts';
import type { StateChange } from '../src/entity/state-entry.ts';
import { Feed, rowsPerFrame, transactions, user } from '../test/support/engine-load.ts';
import { emissions } from './emissions.ts';
import { heapFlags } from './heap-flags.ts';
import { count as separated, report } from './report.ts';

/** Rows between two commits: what changed is taken then. */
const commitRows = 2_000;
const rounds = 7;

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
  /** Values that timers gave out, for each row. */
  readonly timerValues: number;
  readonly stateBytesPerKey: number;
}

function run(options: Case, rows: number): Cost {
  const plan = buildPlan({ bench: viewOf(options) }).entities[0]!;
  const { keys, size, rowsPerWindow } = options;
  const engine = new Engine(
    new EntityTask(plan),
    // The keys by turns, so that each key's window holds as many rows as the case says.
    new Feed(plan, {
      step_us: sliding(size).size_us / (keys * rowsPerWindow),
      userOf: (row) => (row * 7919) % keys,
    }),
  );
  // One window's worth of rows first: then as many leave as come.
  engine.drive(Math.min(keys * rowsPerWindow, rows));
  const cpu_us = engine.drive(rows);
  return {
    perRow_ns: (cpu_us * 1000) / rows,
    timerValues: engine.timerValues / rows,
    stateBytesPerKey: engine.stateBytesPerKey,
  };
}

class Engine {
  private readonly task: EntityTask;
  private readonly feed: Feed;
  /** What a store would hold now, in bytes by key. */
  private readonly sizes = new Map<string, number>();
  /** Values of the last {@link drive} that no row caused. */
  timerValues = 0;

  constructor(task: EntityTask, feed: Feed) {
    this.task = task;
    this.feed = feed;
  }

  /** @returns what it took, the accounting of sizes left out. */
  drive(rows: number): number {
    let cpu_us = 0;
    this.timerValues = 0;
    for (let done = 0; done < rows; done += commitRows) {
      const before = process.cpuUsage();
      for (let i = 0; i < commitRows; i += rowsPerFrame) {
        const given = this.task.apply(this.feed.frame(), this.feed.position++);
        for (const { cause } of given) if (cause === null) this.timerValues++;
      }
      const changes = this.task.takeChanges();
      const { user: user_us, system } = process.cpuUsage(before);
      cpu_us += user_us + system;
      this.account(changes);
    }
    return cpu_us;
  }

  private account(changes: readonly StateChange[]): void {
    for (const { key, value } of changes) {
      const name = Buffer.from(key).toString('latin1');
      if (value === null) this.sizes.delete(name);
      else this.sizes.set(name, key.length + value.length);
    }
  }

  get stateBytesPerKey(): number {
    let bytes = 0;
    for (const size of this.sizes.values()) bytes += size;
    return bytes / Math.max(1, this.task.size);
  }
}

/** What is measured, each in a process of its own, and the heap that it has. */
const parts = {
  panes: { heap_MiB: 1024, measure: panesOfWindows },
  // A million keys without a store take more than 3 GiB.
  keys: { heap_MiB: 4096, measure: keysAndAggregates },
  emissions: { heap_MiB: 1024, measure: emissions },
} as const;
type Part = keyof typeof parts;

const isPart = (name: string): name is Part => Object.hasOwn(parts, name);

/** In processes with a worker's heap. @param only one part alone; without it all. */
export function engine(only?: string): void {
  if (only !== undefined && !isPart(only))
    throw new Error(`the engine has no part "${only}"; there are ${Object.keys(parts).join(', ')}`);
  const self = fileURLToPath(import.meta.url);
  for (const [part, { heap_MiB }] of Object.entries(parts)) {
    if (part !== (only ?? part)) continue;
    const flags = ['--conditions=source', '--import', 'tsx', ...heapFlags(heap_MiB)];
    const { status, signal } = spawnSync(process.execPath, [...flags, self, part], { stdio: 'inherit' });
    if (status !== 0) throw new Error(`the process for ${part} ended with ${status ?? signal}`);
  }
}

function panesOfWindows(): void {
  panes(300, 1000);
  panes(30, 1000);
  // As many rows in all windows as with 300.
  panes(3000, 100);
}

/** The same rows through windows of one to hundreds of panes, in turns. */
function panes(rowsPerWindow: number, keys: number): void {
  const base = { aggregates: 4, keys, rowsPerWindow };
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
  // What else runs on the machine only ever adds.
  const least = costs.map((each) => Math.min(...each.map(({ perRow_ns }) => perRow_ns)));
  const cheapest = Math.min(...least);
  report(
    `engine: count, sum, max, exact distinct over sliding windows; ${separated(keys)} keys, ${separated(rowsPerWindow)} rows in each window`,
    ['window / pane', 'panes', 'CPU ns/row', 'ratio', 'timer values/row', 'ns/(row + timer value)', 'state bytes/key'],
    cases.map(({ size, resolution }, i) => {
      const { timerValues, stateBytesPerKey } = costs[i]![0]!;
      return [
        `${size} / ${resolution}`,
        separated(sliding(size).size_us / sliding(size, { resolution }).resolution_us),
        separated(least[i]!),
        (least[i]! / cheapest).toFixed(2),
        timerValues.toFixed(2),
        // A key whose timer fires gives out a value as one with a row does; the ratio leaves it out.
        separated(least[i]! / (1 + timerValues)),
        separated(stateBytesPerKey),
      ];
    }),
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

if (process.argv[1] === fileURLToPath(import.meta.url)) parts[process.argv[2] as Part].measure();
