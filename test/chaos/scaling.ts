/** A fleet that grows and shrinks while rows flow at a fixed rate: how its tasks are spread, and how long rows wait. */
import { readOnline } from '../support/reference-comparison.ts';
import { until } from '../support/until.ts';
import { ChaosFleet, type Compared } from './chaos-fleet.ts';
import { wait } from './fault.ts';
import { gapsOf, type FreshnessGaps } from './freshness-gaps.ts';
import { readJourneys } from './row-journeys.ts';
import type { ScaleStep } from './scale-steps.ts';
import { SteadyRows } from './steady-rows.ts';
import type { Shares } from './worker-slot.ts';

/** Changes and deletes of other keys, beside the rows at a fixed rate: some hundred a second. */
const changesBatch = 4;
/** Rows flow on for a while after a step: what it left behind belongs to it. */
const after_ms = 1000;

export interface ScalingOptions {
  readonly seed: number;
  /** Keys whose rows are measured. */
  readonly keys: number;
  /** All keys: each has a row from before. */
  readonly users: number;
  readonly perSecond: number;
}

export interface StepMade {
  readonly name: string;
  /** From the beginning of the step. */
  readonly balanced_ms: number;
  readonly shares: readonly Shares[];
  readonly from_ms: number;
}

export interface StepFound extends StepMade {
  readonly gaps: FreshnessGaps;
}

export interface ScalingFound {
  readonly steps: readonly StepFound[];
  readonly compared: Compared;
}

export class Scaling {
  readonly fleet: ChaosFleet;
  private readonly options: ScalingOptions;
  private readonly rows: SteadyRows;

  private constructor(fleet: ChaosFleet, options: ScalingOptions) {
    this.fleet = fleet;
    this.options = options;
    this.rows = new SteadyRows(fleet.shop.db, options);
  }

  /** Three places, no worker yet; every key has a row. */
  static async create(options: ScalingOptions): Promise<Scaling> {
    const { seed, users, keys } = options;
    const fleet = await ChaosFleet.create({
      seed,
      users,
      firstRows: users,
      workers: 3,
      batch: changesBatch,
      firstUser: keys,
    });
    return new Scaling(fleet, options);
  }

  get written(): number {
    return this.rows.written;
  }

  /** So many workers have read what was there before. */
  async startWorkers(count: number): Promise<void> {
    const { fleet } = this;
    await fleet.shop.capture();
    await Promise.all(fleet.slots.slice(0, count).map((slot) => slot.start()));
    await fleet.untilBalanced();
    await fleet.untilRead();
  }

  /** One step after another with rows flowing, then the comparison of everything. @param made is told of each. */
  async run(steps: readonly ScaleStep[], made: (step: StepMade) => void = () => undefined): Promise<ScalingFound> {
    const { fleet, rows } = this;
    fleet.flow.start();
    rows.start();
    const all: StepMade[] = [];
    for (const step of steps) {
      all.push(await this.make(step));
      made(all.at(-1)!);
    }
    await rows.pause();
    const compared = await fleet.compare();
    // Values that are wrong, or not there, are what there is to say then.
    const journeys = compared.mismatches.length > 0 ? [] : await readJourneys(fleet, SteadyRows.firstId, rows.written);
    const found = all.map((step, i) => ({
      ...step,
      gaps: gapsOf(journeys, step.from_ms, all[i + 1]?.from_ms ?? Infinity),
    }));
    return { steps: found, compared };
  }

  async close(): Promise<void> {
    // Why it could not go on is known already.
    await this.rows.pause().catch(() => undefined);
    await this.fleet.close();
  }

  private async make({ name, act }: ScaleStep): Promise<StepMade> {
    const from_ms = Date.now();
    await act(this.fleet);
    const shares = await this.fleet.untilBalanced();
    const balanced_ms = Date.now() - from_ms;
    await this.untilOnline();
    await wait(after_ms);
    return { name, from_ms, balanced_ms, shares };
  }

  /** All measured rows of before are. Each key has one more row: that of before. */
  private async untilOnline(): Promise<void> {
    const { keys } = this.options;
    const wanted = this.rows.written + keys;
    let found = 0;
    const areThere = async (): Promise<boolean> => {
      found = (await readOnline(this.fleet.redis, keys)).reduce((sum, { count }) => sum + Number(count), 0);
      return found >= wanted;
    };
    await until(() => `${found} of ${wanted} rows are online`, areThere, 60_000, 100);
  }
}
