/** Watches the running demo, and says what the table is to show. */
import { renderKey } from '../src/define/key.ts';
import type { EntityPlan, Plan, ViewPlan } from '../src/define/plan.ts';
import type { Metrics } from '../src/observability/metrics.ts';
import type { OnlineStore } from '../src/online/online-store.ts';
import type { Feeder } from './feeder.ts';
import { Freshness } from './freshness.ts';
import type { Shop } from './generator.ts';
import type { KeyRow, Picture } from './live-table.ts';

const look_ms = 100;
const second_ms = 1_000;
const history = 120;
const shownKeys = 10;
/** From the busiest to one that is hardly ever there. */
const shownUsers = ['1', '2', '3', '5', '10', '42', '100', '500', '1500', '4999'];

/** The view that the demo shows, and how its keys are found. */
export interface Shown {
  readonly entity: EntityPlan;
  readonly view: ViewPlan;
  /** The columns of `public.transactions` that are the view's key; null when it does not read that table. */
  readonly keyColumns: readonly string[] | null;
}

export function shownView(plan: Plan, preferred: ViewPlan | null): Shown {
  for (const entity of plan.entities) {
    for (const view of entity.views) {
      if (preferred !== null && view !== preferred) continue;
      const inputs = view.inputs.map((index) => entity.inputs[index]!);
      const input = inputs.find(({ table }) => entity.tables[table]!.name === 'public.transactions');
      const columns = input === undefined ? null : entity.tables[input.table]!.columns;
      return { entity, view, keyColumns: input?.keyColumns.map((index) => columns![index]!.name) ?? null };
    }
  }
  throw new Error('the definitions export no feature view');
}

export interface MonitorOptions {
  readonly shown: Shown;
  readonly shop: Shop;
  readonly feeder: Feeder;
  readonly online: OnlineStore;
  readonly metrics: Metrics;
  readonly url: string;
  readonly definitions: string;
}

export class Monitor {
  private readonly options: MonitorOptions;
  private readonly freshness: Freshness | null;
  private readonly rowsPerSecond: number[] = [];
  private readonly freshness_ms: number[] = [];
  private readonly started_ms = performance.now();
  private passed = { rows: 0, replays: 0, at_ms: this.started_ms };
  private timers: NodeJS.Timeout[] = [];

  constructor(options: MonitorOptions) {
    const { online, shown } = options;
    this.options = options;
    this.freshness = shown.keyColumns?.join() === 'user_id' ? new Freshness(online, shown.view) : null;
  }

  /** Calls after every second. */
  start(tick: () => void): void {
    this.timers = [
      setInterval(() => void this.look(), look_ms),
      setInterval(() => void this.second().then(tick), second_ms),
    ];
  }

  stop(): void {
    for (const timer of this.timers) clearInterval(timer);
  }

  /** What to type to see a key's values. */
  get curl(): string {
    const { shown, url } = this.options;
    const keys = this.keys();
    const key = keys.includes('42') ? '42' : (keys[0] ?? '42');
    return `curl ${url}/features/${shown.view.name}/${key}`;
  }

  async picture(hint: string): Promise<Picture> {
    const { definitions, shop, shown } = this.options;
    return {
      definitions,
      view: shown.view.name,
      elapsed_ms: performance.now() - this.started_ms,
      now_ms: Date.now(),
      rowsPerSecond: this.rowsPerSecond,
      freshness_ms: this.freshness_ms,
      freshness: this.freshness?.overall ?? null,
      counts: { ...shop.counts, replays: (await this.countPassed()).replays },
      keyName: shown.entity.key.map(({ name }) => name).join(':'),
      features: shown.view.features.map(({ name }) => name),
      keys: await this.rows(),
      curl: this.curl,
      hint,
    };
  }

  private async second(): Promise<void> {
    const now_ms = performance.now();
    const before = this.passed;
    const passed = await this.countPassed();
    this.passed = { ...passed, at_ms: now_ms };
    const rows = passed.rows + passed.replays - before.rows - before.replays;
    this.rowsPerSecond.push((rows * 1000) / (now_ms - before.at_ms));
    this.freshness_ms.push(this.freshness?.takeRecent()?.p50_ms ?? 0);
    for (const values of [this.rowsPerSecond, this.freshness_ms]) if (values.length > history) values.shift();
  }

  /** What the engine itself says that it has read. */
  private async countPassed(): Promise<{ rows: number; replays: number }> {
    const text = await this.options.metrics.render();
    const sum = (outcome: string): number =>
      [...text.matchAll(/^millrace_source_records_total\{.*outcome="(\w+)".*\} (\d+)$/gm)]
        .filter((match) => match[1] === outcome)
        .reduce((total, match) => total + Number(match[2]), 0);
    return { rows: sum('row'), replays: sum('replayed') };
  }

  /** The store is a memory; should it fail all the same, the engine says so itself. */
  private async look(): Promise<void> {
    await this.freshness?.look(this.options.feeder.touched).catch(() => undefined);
  }

  private async rows(): Promise<KeyRow[]> {
    const { online, shown } = this.options;
    const keys = this.keys();
    const hashes = await online.read(keys.map((key) => renderKey(shown.view.online, key)));
    return keys.map((key, i) => ({
      key,
      values: shown.view.features.map(({ name }) => hashes[i]?.get(name) ?? null),
    }));
  }

  private keys(): string[] {
    const { shop, shown } = this.options;
    if (shown.entity.key.map(({ name }) => name).join() === 'user_id') return shownUsers;
    const keys = new Set<string>();
    const recent = shop.truth.slice(-1_000) as readonly object[] as readonly {
      readonly row: Record<string, string | number | null>;
    }[];
    for (const { row } of recent) {
      const parts = (shown.keyColumns ?? []).map((column) => row[column] ?? null);
      if (parts.length > 0 && !parts.includes(null))
        keys.add(parts.map((part) => encodeURIComponent(String(part))).join(':'));
    }
    return [...keys].sort().slice(0, shownKeys);
  }
}
