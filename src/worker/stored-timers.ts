/** How the timers of keys that are on disk only get into the local store, and out of it. */
import { storedTimerKey, timersOf } from '../entity/stored-timer.ts';
import type { Timer } from '../entity/timers.ts';
import type { StateEntry, TaskWrite } from '../state/state-store.ts';

const nothing = Buffer.alloc(0);

export const storedTimer = (timer: Timer): StateEntry => ({ key: storedTimerKey(timer), value: nothing });
export const removedTimer = (key: Uint8Array): StateEntry => ({ key, value: null });

/** They belong to no changelog offset: they are made anew when the task is opened. */
export function timersWrite(task: string, entries: readonly StateEntry[]): TaskWrite {
  return { task: timersOf(task), entries, checkpoint: { changelogOffset: -1, written_ms: 0, definition: '' } };
}
