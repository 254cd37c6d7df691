/**
 * Weeks of a fleet in minutes: the clock on the wall goes hundreds of times as fast as the workers' timers. Keys come and go, workers are
 * restarted every day; what they keep has to stay as large as it is, and every value right.
 */
import { queryObjects } from 'node:v8';
import type { Logger } from '../../../observability/logger.ts';
import type { CommitStep } from '../../../log/memory/memory-transactor.ts';
import { logViolations } from '../check-logs.ts';
import { onlineDifferences } from '../check-online.ts';
import { snapshotViolations } from '../check-snapshots.ts';
import { NaiveOracle } from '../naive-oracle.ts';
import type { Random } from '../random.ts';
import { Slot } from '../slot.ts';
import { World } from '../world.ts';
import { Worker } from '../../../worker/worker.ts';
import { growth } from './flatness.ts';
import { measure, type SoakDay } from './soak-day.ts';
import { allowedLateness_us, day_us, longest_us, soakEntity } from './soak-views.ts';
import { SoakWorkload } from './soak-workload.ts';

/** How long a day is for the timers. */
const timersPerDay_ms = 60_000;
const acceleration = day_us / 1000 / timersPerDay_ms;
const look_ms = 500;
/** How long everything may take to be right once nobody does anything, in milliseconds of the timers. */
const settle_ms = 20_000;
/** Few enough for most keys to be on disk only. */
const stateCache_bytes = 30_000;
const workers = 3;

/** Days until what comes and what goes are in balance: the longest window, and what may still change it. */
export const warmUpDays = Math.ceil((longest_us + 2 * allowedLateness_us) / day_us);

export interface SoakOptions {
  readonly days: number;
  readonly seed?: number;
  readonly logger?: Logger;
  readonly dayOver?: (day: SoakDay) => void;
}

export interface Soak {
  readonly days: readonly SoakDay[];
  /** Of workers, also those after a kill. */
  readonly restarts: number;
  readonly kills: number;
  readonly steps: number;
  readonly users: number;
  /** Changes of rows. */
  readonly changes: number;
  readonly violations: readonly string[];
}

/**
 * @example
 * const { violations } = await soak({ days: 30 });
 */
export async function soak(options: SoakOptions): Promise<Soak> {
  const fleet = await SoakFleet.create(options);
  const { world } = fleet;
  try {
    await fleet.run(options.days, options.dayOver);
  } catch (error) {
    world.violations.push(`the run ended: ${(error as Error).stack ?? String(error)}`);
  }
  return fleet.result();
}

class SoakFleet {
  readonly world: World;
  private readonly slots: readonly Slot[];
  private readonly random: Random;
  private readonly workload: SoakWorkload;
  private readonly days: SoakDay[] = [];
  private restarts = 0;
  private kills = 0;

  private constructor(world: World, logger?: Logger) {
    const { database, clock } = world;
    this.world = world;
    this.random = world.random.fork('soak');
    this.slots = Array.from({ length: workers }, (_, i) => new Slot(`worker-${i}`, world, logger));
    this.workload = new SoakWorkload({
      ...{ database, clock, random: this.random.fork('workload') },
      pause_ms: timersPerDay_ms / 600,
      newcomers: 0.05,
    });
  }

  static async create({ seed = 1, logger }: SoakOptions): Promise<SoakFleet> {
    let fleet: SoakFleet | null = null;
    const world = await World.create(
      seed,
      {
        views: soakEntity,
        acceleration,
        // Deletions of rows that the database keeps no longer find their windows closed.
        late: 'some',
        worker: {
          stateSnapshots: { interval_ms: day_us / 4000, part_bytes: 20_000 },
          pendingValues_bytes: 1 << 26,
          stateCache_bytes,
          flush: { rows: 5000, bytes: 1 << 20, age_ms: day_us / 4000 },
        },
      },
      (step, process) => fleet!.step(step, process),
    );
    world.faults.end();
    fleet = new SoakFleet(world, logger);
    return fleet;
  }

  result(): Soak {
    const { days, restarts, kills, world } = this;
    const changes = world.database.changes.length;
    const { violations } = world;
    return { days, restarts, kills, users: this.workload.users, changes, steps: world.clock.steps, violations };
  }

  async run(days: number, dayOver: SoakOptions['dayOver']): Promise<void> {
    const { world, slots } = this;
    const { violations } = world;
    world.connector.start();
    // The first to come keeps its partitions.
    for (const slot of slots) {
      slot.start();
      await world.clock.runFor(look_ms);
    }
    for (let day = 1; day <= days && violations.length === 0; day++) {
      await this.live(day);
      violations.push(...(await this.differences()).map((difference) => `online: ${difference}`));
      this.days.push(await measure(world, slots, day, this.days.at(-1) ?? null));
      dayOver?.(this.days.at(-1)!);
    }
    if (violations.length > 0) return;
    violations.push(...this.tooMany(), ...this.livesKept());
    if (days > warmUpDays + 1) violations.push(...growth(this.days, warmUpDays));
    for (const slot of slots) await slot.stop();
    const oracle = new NaiveOracle(world.spec, world.connector.published);
    violations.push(...(await logViolations(world, oracle)), ...(await snapshotViolations(world)));
  }

  /**
   * Of keys that hold no row one entry each stays, for good: no more than there ever were keys. And each disk holds each partition once
   * at most, as it was some day.
   */
  private tooMany(): string[] {
    const ever = this.workload.users * this.world.entity.views.length;
    const most = workers * Math.max(...this.days.map(({ figures }) => figures.get('entries of keys with rows')!));
    const { emptied, onDisks } = this.days.at(-1)!.grows;
    const violations: string[] = [];
    if (emptied > ever) violations.push(`I9: ${emptied} entries of keys without rows, and there were ${ever} keys`);
    if (onDisks > most) violations.push(`I9: ${onDisks} entries on disks, and all of them never had more than ${most}`);
    return violations;
  }

  /** Closures cannot be looked into, but the heap can be asked. What a killed process was about to do is never done, and never let go. */
  private livesKept(): string[] {
    const lives = queryObjects(Worker, { format: 'count' });
    if (lives <= workers + this.kills) return [];
    return [`I9: ${lives} workers are in memory: ${workers} run, and ${this.kills} were killed`];
  }

  /** The shop is open until the day is nearly over, and somewhen workers are restarted one after another. */
  private async live(day: number): Promise<void> {
    const { world, random, workload } = this;
    const end_ms = day * timersPerDay_ms;
    workload.start();
    await world.clock.runFor(random.between(0, timersPerDay_ms / 3));
    for (const slot of this.slots.slice(1)) await this.restart(slot);
    await world.clock.runFor(Math.max(look_ms, end_ms - world.clock.monotonic_ms()));
    workload.stop();
  }

  /** Mostly in good order. */
  private async restart(slot: Slot): Promise<void> {
    const { world, random } = this;
    if (random.chance(0.15)) {
      this.kills++;
      slot.kill();
      if (random.chance(0.3)) slot.loseDisk();
    } else await slot.stop();
    await world.clock.runFor(random.between(500, 3000));
    slot.start();
    this.restarts++;
    await world.clock.run(() => slot.worker?.readiness.ready === true);
  }

  /** What is not right online, once it had time to become so. */
  private async differences(): Promise<string[]> {
    const { clock, connector, spec } = this.world;
    await clock.run(() => connector.isCaughtUp);
    const oracle = new NaiveOracle(spec, connector.published);
    const end_ms = clock.monotonic_ms() + settle_ms;
    for (;;) {
      await clock.runFor(look_ms);
      const differences = await onlineDifferences(this.world, oracle);
      if (differences.length === 0 || clock.monotonic_ms() > end_ms) return differences;
    }
  }

  /** Commits take a moment, and whoever is dead does not end what it has begun. */
  private async step(_: CommitStep, name: string): Promise<void> {
    const { world, random } = this;
    await new Promise<void>((resolve) => world.clock.after(random.next() * 3, resolve));
    const process = this.slots.map((slot) => slot.process).find((each) => each?.name === name);
    return process?.gate() ?? new Promise(() => undefined);
  }
}
