/** A place where a worker runs, one life after another, as an orchestrator keeps it: with its disk, unless that is lost. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WorkerProcess } from '../support/worker-process.ts';
import type { SlowNetwork } from './slow-network.ts';

export interface SlotOptions {
  readonly definitions: string;
  readonly env: Readonly<Record<string, string>>;
  /** Where the sources are, if not here. */
  readonly root?: string;
  /** Through which it reaches Redis. */
  readonly network: SlowNetwork;
}

const kinds = ['ingest', 'entity', 'offline'] as const;

/** How many tasks of each kind a worker runs. */
export type Shares = Readonly<Record<(typeof kinds)[number], number>>;

export class WorkerSlot {
  /** What lives said last that ended by themselves. */
  readonly failures: string[] = [];
  private readonly options: SlotOptions;
  private disk = newDisk();
  private life: WorkerProcess | null = null;
  private isFrozen = false;
  private wanted = false;

  constructor(options: SlotOptions) {
    this.options = options;
  }

  get worker(): WorkerProcess {
    if (this.life === null) throw new Error('no worker runs here');
    return this.life;
  }

  get network(): SlowNetwork {
    return this.options.network;
  }

  get isUp(): boolean {
    return this.life !== null;
  }

  /** It was started, and neither killed nor drained: one that is not up has ended by itself. */
  get isWanted(): boolean {
    return this.wanted;
  }

  async start(): Promise<void> {
    this.wanted = true;
    const { definitions, env, root, network } = this.options;
    const own = { MILLRACE_STATE_DIR: this.disk, MILLRACE_REDIS_URL: network.url };
    const life = new WorkerProcess(definitions, { ...env, ...own }, { root });
    this.life = life;
    void life.exited().then((code) => {
      if (this.life !== life) return;
      this.life = null;
      this.failures.push(`exit code ${code}: ${life.said.slice(-3).join(' | ')}`);
    });
    await life.url();
  }

  /** Starts it again if it has ended, as an orchestrator does. */
  async keepUp(): Promise<void> {
    if (this.life === null) await this.start();
  }

  async kill({ loseDisk }: { readonly loseDisk: boolean }): Promise<void> {
    const life = this.worker;
    this.life = null;
    this.wanted = false;
    this.isFrozen = false;
    await life.stop('SIGKILL');
    if (!loseDisk) return;
    rmSync(this.disk, { recursive: true, force: true });
    this.disk = newDisk();
  }

  /** @returns its exit code. */
  async drain(): Promise<number | null> {
    const life = this.worker;
    this.life = null;
    this.wanted = false;
    return life.stop('SIGTERM');
  }

  freeze(): void {
    process.kill(this.worker.pid, 'SIGSTOP');
    this.isFrozen = true;
  }

  thaw(): void {
    if (this.isFrozen && this.life !== null) process.kill(this.life.pid, 'SIGCONT');
    this.isFrozen = false;
  }

  /** The entity partitions that it runs. */
  async partitions(): Promise<ReadonlySet<number>> {
    const labels = [...(await this.worker.metric('millrace_state_keys')).keys()];
    return new Set(labels.map((label) => Number(/partition="(\d+)"/.exec(label)![1])));
  }

  /** Null while a task restores its state. */
  async shares(): Promise<Shares | null> {
    const owned = await this.worker.metric('millrace_tasks_owned');
    const [ingest, entity, offline] = kinds.map((kind) => owned.get(`kind="${kind}"`) ?? 0) as [number, number, number];
    return (await this.worker.isReady()) ? { ingest, entity, offline } : null;
  }

  async close(): Promise<void> {
    this.thaw();
    if (this.life !== null) await this.kill({ loseDisk: false });
    this.network.close();
    rmSync(this.disk, { recursive: true, force: true });
  }
}

const newDisk = (): string => mkdtempSync(join(tmpdir(), 'millrace-chaos-'));
