import { messageOf } from '../errors.ts';

/** Collects faults under the path that leads to them. */
export class Problems {
  readonly list: string[] = [];

  add(path: string, problem: string): void {
    this.list.push(`${path}: ${problem}`);
  }

  /** Runs it; a RangeError becomes a problem and the result undefined. */
  attempt<T>(path: string, run: () => T): T | undefined {
    try {
      return run();
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.add(path, messageOf(error));
      return undefined;
    }
  }
}
