/**
 * One worker process of the simulation: a clock of its own and a gate that everything passes that comes from outside. A frozen process
 * (SIGSTOP) is told all of it when it goes on, a dead one never.
 */
import type { Clock } from '../../time/clock.ts';
import type { Random } from './random.ts';

export type ProcessState = 'running' | 'frozen' | 'dead';

export class SimulatedProcess {
  readonly name: string;
  readonly clock: Clock;
  private readonly world: Clock;
  private readonly random: Random;
  private current: ProcessState = 'running';
  private held: (() => void)[] = [];

  constructor(name: string, world: Clock, random: Random) {
    this.name = name;
    this.world = world;
    this.random = random;
    this.clock = {
      now_ms: () => world.now_ms(),
      monotonic_ms: () => world.monotonic_ms(),
      after: (delay_ms, call) => this.after(delay_ms, call),
      every: (interval_ms, call) => this.every(interval_ms, call),
    };
  }

  get state(): ProcessState {
    return this.current;
  }

  kill(): void {
    this.current = 'dead';
    this.held = [];
  }

  freeze(): void {
    if (this.current === 'running') this.current = 'frozen';
  }

  thaw(): void {
    if (this.current !== 'frozen') return;
    this.current = 'running';
    for (const call of this.held.splice(0)) this.world.after(0, () => this.pass(call));
  }

  /** Calls at once, when it goes on, or never. */
  pass(call: () => void): void {
    if (this.current === 'running') call();
    else if (this.current === 'frozen') this.held.push(call);
  }

  /** Resolves at once, when the process goes on, or never. */
  gate(): Promise<void> {
    return new Promise((resolve) => this.pass(resolve));
  }

  /** A call of something outside: it takes time on the way there and on the way back, and the process may die or freeze meanwhile. */
  async call<T>(work: () => Promise<T>): Promise<T> {
    await this.travel();
    await this.gate();
    try {
      const result = await work();
      await this.travel();
      return result;
    } finally {
      await this.gate();
    }
  }

  private travel(): Promise<void> {
    const { random } = this;
    if (random.chance(0.4)) return Promise.resolve();
    const delay_ms = random.chance(0.03) ? random.between(20, 400) : random.next() * 3;
    return new Promise((resolve) => this.world.after(delay_ms, resolve));
  }

  private after(delay_ms: number, call: () => void): () => void {
    let cancelled = false;
    const cancel = this.world.after(delay_ms, () => {
      this.pass(() => {
        if (!cancelled) call();
      });
    });
    return () => {
      cancelled = true;
      cancel();
    };
  }

  /** What comes due while it is frozen comes once. */
  private every(interval_ms: number, call: () => void): () => void {
    let waiting = false;
    let cancelled = false;
    const cancel = this.world.every(interval_ms, () => {
      if (this.current === 'dead') {
        cancel();
        return;
      }
      if (waiting) return;
      waiting = true;
      this.pass(() => {
        waiting = false;
        if (!cancelled) call();
      });
    });
    return () => {
      cancelled = true;
      cancel();
    };
  }
}
