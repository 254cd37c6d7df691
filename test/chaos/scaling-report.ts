/** What scaling found, in words. */
import { printLastWords } from './findings.ts';
import type { ScaleManner } from './scale-steps.ts';
import type { Scaling, ScalingFound, StepFound, StepMade } from './scaling.ts';
import type { Shares } from './worker-slot.ts';

const shown = 3;

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

export class ScalingReport {
  mismatches = 0;
  private steps = 0;
  private keys = 0;
  private nonEmpty = 0;
  private readonly longest = new Map<ScaleManner, number>();
  private readonly started_ms = performance.now();

  readonly made = ({ name, balanced_ms, shares }: StepMade): void => {
    this.steps++;
    console.log(`${this.elapsed()} s  ${name}; balanced after ${seconds(balanced_ms)}: ${sharesText(shares)}`);
  };

  take(manner: ScaleManner, { steps, compared }: ScalingFound, scaling: Scaling): void {
    const { keys, nonEmpty, mismatches } = compared;
    this.keys += keys;
    this.nonEmpty += nonEmpty;
    this.mismatches += mismatches.length;
    console.log(`${this.elapsed()} s  compared; ${keys} keys, ${nonEmpty} non-empty, ${mismatches.length} mismatches`);
    for (const mismatch of mismatches.slice(0, shown)) console.log(`         ${mismatch}`);
    if (mismatches.length > 0) {
      printLastWords(scaling.fleet);
      return;
    }
    console.log(
      '\nfrom COMMIT to Redis, the longest of each key:   p50     p99     max   keys   no row waits over 1 s after',
    );
    for (const step of steps) console.log(gapsText(step));
    console.log('');
    this.longest.set(manner, Math.max(...steps.map(({ gaps }) => gaps.max_ms)));
  }

  /** A fleet that is not balanced in time is a mismatch too. */
  gaveUp(error: Error, { fleet }: Scaling): void {
    this.mismatches++;
    console.log(`${this.elapsed()} s  gave up: ${error.message}`);
    printLastWords(fleet);
  }

  print({ written, fleet }: Scaling): void {
    const failures = fleet.slots.flatMap((slot) => slot.failures);
    console.log(
      `${written} rows measured, ${fleet.flow.written} others inserted and changed, ${failures.length} workers ended by themselves`,
    );
    for (const words of new Set(failures)) console.log(`  ${words}`);
    const gaps = [...this.longest].map(([manner, ms]) => `${seconds(ms)} ${manner}`);
    console.log(
      `${this.steps} steps, longest freshness gap ${gaps.join(', ') || 'unknown'}, ` +
        `${this.keys} keys compared (${this.nonEmpty} non-empty), ${this.mismatches} mismatches`,
    );
  }

  private elapsed(): string {
    return ((performance.now() - this.started_ms) / 1000).toFixed(0).padStart(5);
  }
}

const sharesText = (shares: readonly Shares[]): string =>
  (['ingest', 'entity', 'offline'] as const)
    .map((kind) => `${kind} ${shares.map((each) => each[kind]).join(' ')}`)
    .join(', ');

function gapsText({ name, gaps }: StepFound): string {
  const cells = [gaps.p50_ms, gaps.p99_ms, gaps.max_ms].map((ms) => (ms / 1000).toFixed(2).padStart(8)).join('');
  const recovered = gaps.recovered_ms === 0 ? '0' : (gaps.recovered_ms / 1000).toFixed(1);
  return `  ${name.padEnd(43)}${cells}${String(gaps.keys).padStart(7)}${recovered.padStart(9)} s`;
}
