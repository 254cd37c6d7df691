/** What can be done to a fleet. It leaves everything running again; whether all came right is compared afterwards. */
import type { ChaosFleet } from './chaos-fleet.ts';

export interface FaultReport {
  /** Partitions that another worker had to take over, and since when. */
  readonly takenOver?: { readonly partitions: ReadonlySet<number>; readonly since_ms: number };
  readonly notes?: string;
}

export type Below = (limit: number) => number;

export type Fault = (fleet: ChaosFleet, below: Below) => Promise<FaultReport>;

/** The faults themselves last for a time; what follows from them is waited for by conditions. */
export const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Lets rows flow for a random moment, so that the fault meets whatever is just going on. */
export const moment = (below: Below): Promise<void> => wait(200 + below(2500));
