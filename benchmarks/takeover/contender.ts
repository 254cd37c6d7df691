/** What is compared: a stream program with its state, killed and started again until it serves a row that came after the kill. */
import { until } from '../../test/support/until.ts';
import { figuresOf } from './process-figures.ts';

/** What a life says of the state that it brought back. */
export interface Restored {
  readonly records: number;
  readonly seconds: number;
}

export interface Contender {
  readonly pid: number;
  /** Its process goes at once, its state stays on disk. */
  kill(): Promise<void>;
  loseDisk(): Promise<void>;
  start(): void;
  /** Puts a row into its input. @returns whether what it makes of the row can be read. */
  change(): Promise<() => Promise<boolean>>;
  /** Null while it restores. */
  restored(): Restored | null;
  /** All that came is committed. */
  settled(): Promise<void>;
}

export interface Takeover extends Restored {
  /** Until the value of the row that came after the kill could be read: seconds from the start of the process, and from the kill. */
  readonly startToServing_s: number;
  readonly killToServing_s: number;
  readonly startToRestored_s: number;
  /** Processor time of the process until then, its start included. */
  readonly cpu_s: number;
  readonly peak_MiB: number;
}

const limit_ms = 120_000;

export async function takeOver(contender: Contender, { loseDisk }: { readonly loseDisk: boolean }): Promise<Takeover> {
  const killed_ms = performance.now();
  await contender.kill();
  const isServed = await contender.change();
  if (loseDisk) await contender.loseDisk();
  const started_ms = performance.now();
  contender.start();
  await until('its state is back', () => contender.restored() !== null, limit_ms);
  const restored_ms = performance.now();
  await until('a row that came after the kill is served', isServed, limit_ms);
  const served_ms = performance.now();
  return {
    ...contender.restored()!,
    ...figuresOf(contender.pid),
    startToServing_s: (served_ms - started_ms) / 1000,
    killToServing_s: (served_ms - killed_ms) / 1000,
    startToRestored_s: (restored_ms - started_ms) / 1000,
  };
}
