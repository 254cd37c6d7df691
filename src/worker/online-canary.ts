/**
 * A task's canary in the online store, as the task knows it: how lost writes are noticed, and when the repair is done.
 * protocol: Redis.
 */
import type { Canary } from '../online/online-store.ts';

type State =
  /** What is acknowledged is there, as far as is known. */
  | { readonly kind: 'sound' }
  /** Writes were lost; all values go out again. `floor`: what the store must hold if nothing more is lost; null: not even that is written. */
  | { readonly kind: 'repairing'; readonly floor: number | null }
  /** All went out again; the canary is not yet raised. */
  | { readonly kind: 'repaired'; readonly floor: number | null };

export class OnlineCanary {
  private readonly task: string;
  private state: State = { kind: 'sound' };
  private reached: number;
  /** How far the values of the call reach that is under way, and of those before. */
  private given = -1;

  /** @param acknowledged how far the values reach that earlier owners know to be stored; −1 when there were none. */
  constructor(task: string, acknowledged: number) {
    this.task = task;
    this.reached = acknowledged;
  }

  /** How far the values reach that are stored for certain; −1 when there are none. */
  get acknowledged(): number {
    return this.reached;
  }

  get isRepairing(): boolean {
    return this.state.kind === 'repairing';
  }

  /** For a call that carries all the task's values up to a position. Null while nothing was ever written. */
  give(position: number): Canary | null {
    const { task, state } = this;
    const highest = Math.max(position, this.reached);
    this.given = highest;
    switch (state.kind) {
      case 'sound':
        if (highest === -1) return null;
        return { task, position: highest, expected: this.reached === -1 ? null : this.reached };
      case 'repairing':
        // Until all is there again it stays behind, as who takes over now has to find. Each call raises it all the same, if only by a
        // part of a position: of two losses the second would not be noticed else, when it takes no more than values written again.
        return { task, position: state.floor === null ? -1 : above(state.floor), expected: state.floor };
      case 'repaired':
        return { task, position: highest, expected: state.floor };
    }
  }

  /**
   * The answer to {@link give}.
   * @returns whether writes were lost: all values are to be written again from the first on.
   */
  found(given: Canary, found: number | null, isNewStore: boolean): boolean {
    const { state } = this;
    const expected = given.expected ?? null;
    const hadValues = this.reached !== -1;
    // Also in the middle of a repair: what is new meanwhile is acknowledged as well, and a replica that lacks it would pass else.
    this.reached = Math.max(this.reached, this.given);
    if ((expected !== null && (found === null || found < expected)) || (isNewStore && hadValues)) {
      this.state = { kind: 'repairing', floor: null };
      return true;
    }
    if (state.kind === 'repairing') this.state = { kind: 'repairing', floor: Math.max(found ?? -1, given.position) };
    else this.state = { kind: 'sound' };
    return false;
  }

  /** All values are written again. The next call raises the canary. */
  repaired(): void {
    if (this.state.kind === 'repairing') this.state = { kind: 'repaired', floor: this.state.floor };
  }
}

/** Exact for positions below 2^37; of so many calls, of hundreds of values each, the last ones raise nothing. */
const part = 2 ** -16;
const above = (floor: number): number => Math.min(floor + part, Math.floor(floor) + 1 - part);
