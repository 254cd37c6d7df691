/** A place where a worker runs, one life after another, with the disk that stays or is lost. */
import { MillraceError } from '../../errors.ts';
import { silentLogger, type Logger } from '../../observability/logger.ts';
import { noMetrics } from '../../observability/metrics.ts';
import { createMemoryStateStore } from '../../state/memory/memory-state-store.ts';
import type { StateStore } from '../../state/state-store.ts';
import { Worker } from '../../worker/worker.ts';
import { SimulatedLog } from './simulated-log.ts';
import { SimulatedProcess } from './simulated-process.ts';
import { simulatedObjectStore, simulatedOnlineStore, simulatedStateStore } from './simulated-stores.ts';
import { application, type World } from './world.ts';

/** With these a worker ends and is started again; with any other something is wrong. */
const expectedFailures = new Set<string>(['delivery-failed', 'task-lost', 'transaction-failed', 'store-unavailable']);

interface Life {
  readonly process: SimulatedProcess;
  readonly log: SimulatedLog;
  readonly worker: Worker;
}

export class Slot {
  readonly name: string;
  private readonly world: World;
  private readonly logger: Logger;
  private lives = 0;
  private life: Life | null = null;
  private disk: StateStore = createMemoryStateStore();
  /** As the disk was some time ago. */
  private old: StateStore | null = null;

  constructor(name: string, world: World, logger: Logger = silentLogger) {
    this.name = name;
    this.world = world;
    this.logger = logger;
  }

  get isUp(): boolean {
    return this.life !== null;
  }

  get worker(): Worker | null {
    return this.life?.worker ?? null;
  }

  get process(): SimulatedProcess | null {
    return this.life?.process ?? null;
  }

  start(): void {
    if (this.life !== null) return;
    const { world } = this;
    const process = new SimulatedProcess(
      `${this.name}.${++this.lives}`,
      world.clock,
      world.random.fork(`${this.name}.${this.lives}`),
    );
    const log = new SimulatedLog(process, world);
    log.freezeNow = () => {
      this.freeze();
      world.clock.after(world.random.between(1500, 12_000), () => {
        if (this.life?.process === process) this.thaw();
      });
    };
    const { faults, outages } = world;
    const surroundings = {
      process,
      world: world.clock,
      random: world.random.fork(`${process.name} stores`),
      faults,
      outages,
      foundLoss: world.foundLoss,
    };
    const worker = new Worker({
      plan: world.plan,
      application,
      roles: ['ingest', 'entity', 'offline'],
      commitInterval_ms: 100,
      log: log.log,
      online: simulatedOnlineStore(surroundings, world.online),
      state: simulatedStateStore(surroundings, this.disk),
      objects: simulatedObjectStore(surroundings, world.objects),
      ...world.worker,
      clock: process.clock,
      logger: this.logger,
      metrics: noMetrics,
      failed: (error) => {
        this.ended(process, error);
      },
    });
    this.life = { process, log, worker };
    worker.start().catch((error: unknown) => {
      this.ended(process, error as Error);
    });
  }

  /** Ends in good order; gives up after a while, as an orchestrator does. */
  async stop(grace_ms = 60_000): Promise<void> {
    const { life, world } = this;
    if (life === null) return;
    const limit = world.clock.monotonic_ms() + grace_ms;
    void life.worker.stop().then(() => {
      if (this.life === life) this.kill();
    });
    await world.clock.run(() => this.life !== life || world.clock.monotonic_ms() > limit);
    if (this.life !== life) return;
    world.faults.happened('killed after its grace period');
    this.kill();
  }

  kill(): void {
    if (this.life === null) return;
    const { process, log } = this.life;
    this.life = null;
    process.kill();
    log.silent();
  }

  freeze(): void {
    if (this.life?.process.state !== 'running') return;
    this.life.process.freeze();
    this.life.log.silent();
  }

  thaw(): void {
    if (this.life?.process.state !== 'frozen') return;
    this.life.process.thaw();
    this.life.log.heard();
  }

  expel(): void {
    this.life?.log.expel();
  }

  loseDisk(): void {
    this.disk = createMemoryStateStore();
  }

  /** Keeps the disk as it is now, to be put back later. */
  async imageDisk(): Promise<void> {
    this.old = await copyOf(this.disk);
  }

  async putOldDisk(): Promise<void> {
    if (this.old !== null) this.disk = await copyOf(this.old);
  }

  get state(): StateStore {
    return this.disk;
  }

  private ended(process: SimulatedProcess, error: Error): void {
    if (this.life?.process !== process) return;
    const { faults } = this.world;
    const code = error instanceof MillraceError ? error.code : null;
    if (code === 'frame-hole' && faults.hole !== 'none') faults.hole = 'noticed';
    else if (code === null || !expectedFailures.has(code))
      this.world.violations.push(`${process.name} ended: ${error.stack ?? error.message}`);
    faults.happened('worker ended by itself');
    this.kill();
    this.world.clock.after(this.world.random.between(100, 2000), () => {
      this.start();
    });
  }
}

/** All tasks as of one moment, as a disk has them: what is written meanwhile is in none. */
async function copyOf(disk: StateStore): Promise<StateStore> {
  const copy = createMemoryStateStore();
  const tasks = await disk.tasks();
  const snapshots = await Promise.all(tasks.map((task) => disk.snapshot(task)));
  for (const [i, task] of tasks.entries()) {
    const snapshot = snapshots[i]!;
    const { checkpoint } = snapshot;
    await copy.write([{ task, entries: [], checkpoint }]);
    for await (const entries of snapshot.entries) await copy.write([{ task, entries, checkpoint }]);
    await snapshot.close();
  }
  return copy;
}
