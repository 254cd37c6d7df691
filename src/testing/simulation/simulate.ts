/** One run: a seed decides everything that happens, and afterwards all outputs are compared with what they must be. */
import type { Logger } from '../../observability/logger.ts';
import { logViolations } from './check-logs.ts';
import { onlineDifferences } from './check-online.ts';
import { snapshotViolations } from './check-snapshots.ts';
import { holeViolations, quietViolations } from './epilogue.ts';
import { Fleet } from './fleet.ts';
import { NaiveOracle } from './naive-oracle.ts';
import { Random } from './random.ts';

/** How long a healed fleet may take until everything is right, virtual milliseconds. */
const recovery_ms = 60_000;
const look_ms = 500;

/** One in this many runs goes on for a while, and one ends with a frame that is missing. */
const endings = [...Array<'plain'>(8).fill('plain'), 'quiet', 'hole'] as const;

export interface Run {
  readonly steps: number;
  /** How often what happened. */
  readonly faults: ReadonlyMap<string, number>;
  readonly violations: readonly string[];
}

export interface RunOptions {
  readonly logger?: Logger;
  /** Only those that people wrote, or others for each seed. Default `any`. */
  readonly views?: 'written' | 'any';
}

/**
 * @example
 * const { violations } = await simulate(42);
 */
export async function simulate(seed: number, { logger, views = 'any' }: RunOptions = {}): Promise<Run> {
  const choice = new Random(seed).fork('options');
  const options = { rate: choice.between(5, 25), late: choice.pick(['none', 'none', 'some'] as const) };
  const ending = choice.pick(endings);
  const users = ending === 'quiet' ? { users: 200 } : {};
  const fleet = await Fleet.create(seed, { views, ...options, ...users, ...(logger === undefined ? {} : { logger }) });
  const { world } = fleet;
  const { violations } = world;
  try {
    await fleet.trouble();
    await fleet.heal();
    const oracle = new NaiveOracle(world.spec, world.connector.published);
    const deadline_ms = world.clock.monotonic_ms() + recovery_ms;
    let differences = await onlineDifferences(world, oracle);
    while (differences.length > 0 && violations.length === 0 && world.clock.monotonic_ms() < deadline_ms) {
      await world.clock.runFor(look_ms);
      differences = await onlineDifferences(world, oracle);
    }
    violations.push(...differences.map((difference) => `online: ${difference}`));
    if (violations.length === 0 && ending === 'quiet') violations.push(...(await quietViolations(world, oracle)));
    if (violations.length === 0 && ending === 'hole') violations.push(...(await holeViolations(world)));
    else if (violations.length === 0) {
      await fleet.stop();
      violations.push(...(await logViolations(world, oracle)), ...(await snapshotViolations(world)));
    }
  } catch (error) {
    violations.push(`the run ended: ${(error as Error).stack ?? String(error)}`);
  }
  return { steps: world.clock.steps, faults: world.faults.counts, violations };
}
