/** What a run of faults found: a line for each fault, and the sums. */
import type { ChaosFleet, Compared } from './chaos-fleet.ts';
import type { FaultReport } from './fault.ts';

const shown = 3;
const saidLast = 40;
/** What was on its way to Redis when a worker was killed arrives all the same. */
const onItsWay_ms = 200;

export function printLastWords({ slots }: ChaosFleet): void {
  for (const slot of slots) {
    console.log(slot.isUp ? '  a worker said last:' : '  no worker runs here');
    if (slot.isUp) for (const line of slot.worker.said.slice(-saidLast)) console.log(`    ${line}`);
  }
}

export class Findings {
  kills = 0;
  keys = 0;
  nonEmpty = 0;
  mismatches = 0;
  private readonly takeovers: number[] = [];
  private readonly started_ms = performance.now();

  take(
    name: string,
    { takenOver, notes }: FaultReport,
    { keys, nonEmpty, mismatches }: Compared,
    fleet: ChaosFleet,
  ): void {
    if (name.startsWith('worker killed')) this.kills++;
    this.keys += keys;
    this.nonEmpty += nonEmpty;
    this.mismatches += mismatches.length;
    const parts = [`${this.elapsed()} s  ${name}`];
    if (takenOver !== undefined) parts.push(this.takeover(takenOver, fleet));
    if (notes !== undefined) parts.push(notes);
    parts.push(`${keys} keys, ${nonEmpty} non-empty, ${mismatches.length} mismatches`);
    console.log(parts.join('; '));
    for (const mismatch of mismatches.slice(0, shown)) console.log(`         ${mismatch}`);
    if (mismatches.length > 0) printLastWords(fleet);
  }

  /** What never settles is a mismatch too. */
  gaveUp(error: Error, fleet: ChaosFleet): void {
    this.mismatches++;
    console.log(`${this.elapsed()} s  gave up: ${error.message}`);
    printLastWords(fleet);
  }

  print({ flow, slots, history }: ChaosFleet): void {
    const sorted = this.takeovers.toSorted((a, b) => a - b);
    const at = (share: number): string => (sorted[Math.floor((sorted.length - 1) * share)]! / 1000).toFixed(1);
    if (sorted.length > 0)
      console.log(
        `first value of a partition after its worker was killed: ${at(0)} s at least, ${at(0.5)} s in the middle, ${at(1)} s at most`,
      );
    const failures = slots.reduce((sum, slot) => sum + slot.failures.length, 0);
    console.log(
      `${flow.written} rows inserted, ${history.size} values in the feature log, ${failures} workers ended by themselves`,
    );
    for (const words of new Set(slots.flatMap((slot) => slot.failures))) console.log(`  ${words}`);
    console.log(
      `${this.kills} kills, ${this.keys} keys compared (${this.nonEmpty} non-empty), ${this.mismatches} mismatches`,
    );
  }

  private elapsed(): string {
    return ((performance.now() - this.started_ms) / 1000).toFixed(0).padStart(5);
  }

  /** From the kill to the first value of each partition that is later. */
  private takeover({ partitions, since_ms }: NonNullable<FaultReport['takenOver']>, { history }: ChaosFleet): string {
    const after = [...history.firstVisible(partitions, since_ms + onItsWay_ms).values()].map((ms) => ms - since_ms);
    if (after.length === 0) return 'no partition was taken over with a value';
    this.takeovers.push(...after);
    const seconds = (ms: number): string => (ms / 1000).toFixed(1);
    return `${after.length} partitions taken over after ${seconds(Math.min(...after))} to ${seconds(Math.max(...after))} s`;
  }
}
