/** A place where a worker runs, one life after another, as an orchestrator keeps it: with its disk, unless that is lost. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../support/until.ts';
import { WorkerProcess } from '../support/worker-process.ts';

export interface SlotOptions {
  readonly definitions: string;
  readonly env: Readonly<Record<string, string>>;
  /** Where the sources are, if not here. */
  readonly root?: string;
}

export class WorkerSlot {
  /** Lives that ended by themselves. */
  failures = 0;
  private readonly options: SlotOptions;
  private disk = newDisk();
  private life: WorkerProcess | null = null;
  private isFrozen = false;

  constructor(options: SlotOptions) {
    this.options = options;
  }

  get worker(): WorkerProcess {
    if (this.life === null) throw new Error('no worker runs here');
    return this.life;
  }

  get isUp(): boolean {
    return this.life !== null;
  }

  async start(): Promise<void> {
    const { definitions, env, root } = this.options;
    const life = new WorkerProcess(definitions, { ...env, MILLRACE_STATE_DIR: this.disk }, { root });
    this.life = life;
    void life.exited().then((code) => {
      if (this.life !== life) return;
      this.life = null;
      this.failures++;
      this.lastWords = `exit code ${code}: ${life.said.slice(-3).join('\n')}`;
    });
    await life.url();
  }

  /** What the last life said that ended by itself. */
  lastWords = '';

  /** Starts it again if it has ended, as an orchestrator does. */
  async keepUp(): Promise<void> {
    if (this.life === null) await this.start();
  }

  async kill({ loseDisk }: { readonly loseDisk: boolean }): Promise<void> {
    const life = this.worker;
    this.life = null;
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

  /** All tasks of the kind run here, their state restored. */
  async owns(tasks: number): Promise<boolean> {
    const owned = await this.worker.metric('millrace_tasks_owned');
    return owned.get('kind="entity"') === tasks && (await this.worker.isReady());
  }

  async close(): Promise<void> {
    this.thaw();
    if (this.life !== null) await this.kill({ loseDisk: false });
    rmSync(this.disk, { recursive: true, force: true });
  }
}

const newDisk = (): string => mkdtempSync(join(tmpdir(), 'millrace-chaos-'));

/** Waits until a slot's worker runs all tasks alone. */
export async function untilTakenOver(slot: WorkerSlot, tasks: number): Promise<void> {
  await until('the other worker has taken over', async () => slot.isUp && (await slot.owns(tasks)), 60_000, 50);
}
