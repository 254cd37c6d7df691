/** Workers in a world that goes wrong, and then heals. */
import type { Logger } from '../../observability/logger.ts';
import type { CommitStep } from '../../log/memory/memory-transactor.ts';
import type { Random } from './random.ts';
import { Slot } from './slot.ts';
import { World, type WorldOptions } from './world.ts';

/** How long things go wrong, virtual milliseconds. */
const trouble_ms = 25_000;

export interface FleetOptions extends WorldOptions {
  readonly logger?: Logger;
}

export class Fleet {
  readonly world: World;
  readonly slots: readonly Slot[];
  /** Called at each step of each commit, before anything happens there. */
  onStep: (step: CommitStep) => Promise<void> = () => Promise.resolve();
  private readonly random: Random;
  private healing = false;

  private constructor(world: World, logger?: Logger) {
    this.world = world;
    this.random = world.random.fork('fleet');
    const workers = this.random.between(1, 3);
    this.slots = Array.from({ length: workers }, (_, i) => new Slot(`worker-${i}`, world, logger));
  }

  static async create(seed: number | string, options: FleetOptions): Promise<Fleet> {
    let fleet: Fleet | null = null;
    const world = await World.create(seed, options, (step, process) => fleet!.step(step, process));
    fleet = new Fleet(world, options.logger);
    world.foundLoss = (process) => fleet.killInRepair(process);
    return fleet;
  }

  /** Lets things happen, and go wrong, for a while. */
  async trouble(): Promise<void> {
    const { world, random, slots } = this;
    world.connector.start();
    world.workload.start();
    for (const slot of slots) world.clock.after(random.between(0, 1500), () => slot.start());
    if (random.chance(0.5)) this.killAtMidnight();
    if (random.chance(0.4)) this.crashConnectorAtMidnight();
    const end_ms = world.clock.monotonic_ms() + trouble_ms;
    while (world.clock.monotonic_ms() < end_ms) {
      await world.clock.runFor(random.between(100, 3000));
      await this.misfortune();
    }
  }

  /** Everything comes back and nothing goes wrong any more. */
  async heal(): Promise<void> {
    const { world } = this;
    this.healing = true;
    world.faults.end();
    Object.assign(world.outages, { online: false, objects: false });
    world.workload.stop();
    if (world.connector.phase === 'stopped') world.connector.restart();
    for (const slot of this.slots) {
      slot.thaw();
      slot.start();
    }
    await world.clock.run(() => world.connector.isCaughtUp);
  }

  async stop(): Promise<void> {
    for (const slot of this.slots) await slot.stop();
  }

  /** To a replica that lags by a while, or by the last writes alone. */
  private revertOnline(later: (low: number, high: number, call: () => void) => void): void {
    const { online, faults } = this.world;
    if (!faults.strikes('replica of a moment ago')) {
      const before = online.snapshot();
      later(100, 2000, () => {
        online.revert(before);
      });
      return;
    }
    online.afterWrite(() => {
      const before = online.snapshot();
      later(0, 30, () => {
        online.revert(before);
      });
    });
  }

  /** While all windows end: what it still has to send is of windows that time, if it passes too far, has closed. */
  private crashConnectorAtMidnight(): void {
    const { world, random } = this;
    world.clock.after(this.untilMidnight_ms() - random.between(0, 2000), () => {
      if (!world.connector.crash()) return;
      world.faults.happened('connector crash at midnight');
      const away_ms = world.faults.strikes('connector away for long') ? 12_000 : random.between(2500, 7000);
      world.clock.after(away_ms, () => {
        if (world.connector.phase === 'stopped') world.connector.restart();
      });
    });
  }

  private untilMidnight_ms(): number {
    return 86_400_000 - (this.world.clock.now_ms() % 86_400_000);
  }

  /** While values of two days come in turn: files of the older day may be the newer ones. */
  private killAtMidnight(): void {
    const { world, random } = this;
    const slot = random.pick(this.slots);
    world.clock.after(this.untilMidnight_ms() + random.between(0, 6000), () => {
      slot.kill();
      world.clock.after(random.between(100, 3000), () => slot.start());
    });
  }

  /** Before all is repaired, somebody else has to find that it is not. */
  private killInRepair(name: string): void {
    const { world, random } = this;
    if (!world.faults.strikes('killed when it found a loss')) return;
    world.clock.after(random.next() * 12, () => {
      const slot = this.slots.find(({ process }) => process?.name === name);
      slot?.kill();
      world.clock.after(random.between(100, 9000), () => slot?.start());
    });
  }

  private async misfortune(): Promise<void> {
    const { world, random } = this;
    const slot = random.pick(this.slots);
    const later = (low: number, high: number, call: () => void): void => {
      world.clock.after(random.between(low, high), () => {
        if (!this.healing) call();
      });
    };
    const happenings: Record<string, () => Promise<void> | void> = {
      'killed, disk kept': () => {
        slot.kill();
        later(100, 9000, () => slot.start());
      },
      'killed, disk lost': () => {
        slot.kill();
        slot.loseDisk();
        later(100, 9000, () => slot.start());
      },
      'killed, disk of earlier': async () => {
        slot.kill();
        await slot.putOldDisk();
        later(100, 9000, () => slot.start());
      },
      'disk imaged': () => slot.imageDisk(),
      frozen: () => {
        slot.freeze();
        later(50, 14_000, () => slot.thaw());
      },
      expelled: () => {
        slot.expel();
      },
      'stopped in good order': async () => {
        slot.thaw();
        await slot.stop(15_000);
        later(100, 4000, () => slot.start());
      },
      'connector crash': () => {
        if (world.connector.crash())
          later(
            200,
            world.faults.strikes('connector away for long') ? 20_000 : 5000,
            () => world.connector.phase === 'stopped' && world.connector.restart(),
          );
      },
      'online store flushed': () => {
        world.online.flush();
      },
      'online store reverted': () => {
        this.revertOnline(later);
      },
      'online store away': () => {
        world.outages.online = true;
        later(100, 6000, () => (world.outages.online = false));
      },
      'object store away': () => {
        world.outages.objects = true;
        later(100, 6000, () => (world.outages.objects = false));
      },
    };
    const name = random.pick(Object.keys(happenings));
    world.faults.happened(name);
    await happenings[name]!();
  }

  /** Between two steps of a commit: the worst moments. */
  private async step(step: CommitStep, name: string): Promise<void> {
    const { world, random } = this;
    const slot = this.slots.find(({ process }) => process?.name === name);
    await this.onStep(step);
    world.faults.happened(`at ${step}`);
    if (slot === undefined) return new Promise(() => undefined);
    if (world.faults.strikes('killed between commit steps')) {
      world.faults.happened(`killed at ${step}`);
      slot.kill();
      world.clock.after(random.between(100, 9000), () => slot.start());
    } else if (world.faults.strikes('frozen between commit steps')) {
      world.faults.happened(`frozen at ${step}`);
      slot.freeze();
      world.clock.after(random.between(100, 14_000), () => slot.thaw());
    }
    const process = slot.process;
    if (process?.name !== name) return new Promise(() => undefined);
    if (random.chance(0.7)) await new Promise<void>((resolve) => world.clock.after(random.next() * 3, resolve));
    await process.gate();
  }
}
