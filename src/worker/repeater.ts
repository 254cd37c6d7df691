/** Runs an asynchronous job again and again, never twice at once. */
import type { Clock } from '../time/clock.ts';

export class Repeater {
  private readonly job: () => Promise<void>;
  private readonly failed: (error: unknown) => void;
  private readonly cancel: () => void;
  private running: Promise<void> | null = null;

  /** @param failed called when the job rejects; the next turn comes all the same. */
  constructor(clock: Clock, interval_ms: number, job: () => Promise<void>, failed: (error: unknown) => void) {
    this.job = job;
    this.failed = failed;
    this.cancel = clock.every(interval_ms, () => {
      void this.run();
    });
  }

  /** Ends it; resolves when a run that is under way has ended. */
  async stop(): Promise<void> {
    this.cancel();
    await this.running;
  }

  private async run(): Promise<void> {
    if (this.running !== null) return;
    this.running = this.job().catch(this.failed);
    await this.running;
    this.running = null;
  }
}
