/** What happens, in which order: a worker is killed, then something else happens, until enough are killed. */
import type { Below } from './fault.ts';
import { faults, isKill, type FaultName } from './faults.ts';

export interface ScheduleOptions {
  readonly kills: number;
  /** Nothing else but this. */
  readonly only: FaultName | null;
  readonly below: Below;
}

const kills: readonly FaultName[] = ['worker killed', 'worker killed, restarted at once', 'worker killed, disk lost'];
const names = Object.keys(faults) as FaultName[];
/** A connector that is away for long needs windows that are short, and a run of its own. */
const others = names.filter((name) => !isKill(name) && name !== 'connect away');

export function* plannedFaults({ kills: count, only, below }: ScheduleOptions): Iterable<FaultName> {
  for (let turn = 0; turn < count; turn++) {
    if (only !== null) {
      yield only;
      continue;
    }
    yield kills[below(kills.length)]!;
    yield others[turn % others.length]!;
  }
}
