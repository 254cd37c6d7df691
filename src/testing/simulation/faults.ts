/** What may go wrong, how likely it is, and how often it did. */
import type { Random } from './random.ts';

const likelihoods = {
  'failed delivery': 0.0003,
  'delivered although failed': 0.5,
  'lost commit answer': 0.02,
  'online call refused': 0.01,
  'online answer lost': 0.01,
  'online call delayed': 0.005,
  'state write refused': 0.005,
  'object call refused': 0.02,
  'object answer lost': 0.03,
  'snapshot corrupted': 0.02,
  'snapshot lost': 0.01,
  'snapshot older than the tombstones': 0.1,
  'killed between commit steps': 0.02,
  'frozen between commit steps': 0.02,
  'killed when it found a loss': 0.3,
  'frozen before end offsets arrive': 0.004,
  'connector away for long': 0.2,
  'replica of a moment ago': 0.6,
} as const;

export type FaultName = keyof typeof likelihoods;

export class Faults {
  /** By what happened, also for faults that are not drawn here. */
  readonly counts = new Map<string, number>();
  /** Whether a frame is left out, once, as a producer does that gives a record up and goes on. */
  hole: 'none' | 'wanted' | 'made' | 'noticed' = 'none';
  private readonly random: Random;
  private enabled = true;

  constructor(random: Random) {
    this.random = random;
  }

  /** From now on nothing goes wrong. */
  end(): void {
    this.enabled = false;
  }

  strikes(name: FaultName): boolean {
    if (!this.enabled || !this.random.chance(likelihoods[name])) return false;
    this.happened(name);
    return true;
  }

  happened(name: string): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
  }
}
