/**
 * Which of the records that were sent are acknowledged. Each partition answers in its own time, so a number of answers says nothing: those
 * of later records may be among them while an earlier one of a slow partition is not.
 */
interface Waiting {
  /** All records below must be acknowledged. */
  readonly below: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export class Acknowledgements {
  private sent = 0;
  /** All records below are acknowledged. */
  private settled = 0;
  /** Acknowledged before one that was sent earlier. */
  private readonly ahead = new Set<number>();
  private waiting: Waiting[] = [];

  /** @returns the number of a record that is sent now. */
  next(): number {
    return this.sent++;
  }

  take(number: number): void {
    this.ahead.add(number);
    while (this.ahead.delete(this.settled)) this.settled += 1;
    while (this.waiting.length > 0 && this.waiting[0]!.below <= this.settled) this.waiting.shift()!.resolve();
  }

  /** Resolves when all that was sent before is acknowledged. */
  all(): Promise<void> {
    if (this.settled === this.sent) return Promise.resolve();
    return new Promise((resolve, reject) => this.waiting.push({ below: this.sent, resolve, reject }));
  }

  /** For those who wait now. */
  fail(error: Error): void {
    for (const { reject } of this.waiting.splice(0)) reject(error);
  }
}
