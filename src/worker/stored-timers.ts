/** How the timers that a task notes get into the local store: in a write with the entries that they belong to. */
import { timerOf } from '../entity/key-state.ts';
import { parseStateKey } from '../entity/state-key.ts';
import { storedTimerKey, timersOf } from '../entity/stored-timer.ts';
import type { NoteChanges } from '../entity/timer-notes.ts';
import type { Timer } from '../entity/timers.ts';
import type { StateEntry, StateStore, TaskWrite } from '../state/state-store.ts';

const nothing = Buffer.alloc(0);
/** Of all keys of the task; or of some, and whoever opens it begins anew. */
type Extent = 'all' | 'some';

export const storedTimer = (timer: Timer): StateEntry => ({ key: storedTimerKey(timer), value: nothing });

/** They belong to no changelog offset: they hold for the entries that the store has. */
export function timersWrite(task: string, entries: readonly StateEntry[], extent: Extent): TaskWrite {
  const checkpoint = { changelogOffset: -1, written_ms: 0, definition: extent };
  return { task: timersOf(task), entries, checkpoint };
}

/** Of a task whose keys are all noted. */
export function notesWrite(task: string, { removed, added }: NoteChanges): TaskWrite {
  const entries = [...removed.map((key) => ({ key, value: null })), ...added.map((key) => ({ key, value: nothing }))];
  return timersWrite(task, entries, 'all');
}

/**
 * The timers of entries that come from elsewhere, into a store that has those of all that it holds of a task. What an entry replaces leaves its
 * timer behind, which is told when it comes up.
 */
export class TimersBeside {
  private readonly tasks = new Set<string>();

  /** @param task of which the store has all timers, or nothing. */
  follow(task: string): void {
    this.tasks.add(task);
  }

  /** What is to be written with it. */
  of({ task, entries }: TaskWrite): readonly TaskWrite[] {
    if (!this.tasks.has(task)) return [];
    try {
      return [timersWrite(task, entries.flatMap(timersIn), 'all')];
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      // Whoever opens the task reads all entries then, and says what is wrong with this one.
      this.tasks.delete(task);
      return [timersWrite(task, [], 'some')];
    }
  }
}

function timersIn({ key: bytes, value }: StateEntry): StateEntry[] {
  const at = value === null ? null : parseStateKey(bytes);
  if (at === null || at.chunk !== null) return [];
  const time_us = timerOf(value!) ?? Infinity;
  return time_us === Infinity ? [] : [storedTimer({ time_us, view: at.view, key: at.key })];
}

/** Whether the store has the timers of all keys of a task. */
export async function hasAllTimers(store: StateStore, task: string): Promise<boolean> {
  const checkpoint = await store.checkpoint(timersOf(task));
  return checkpoint?.definition === ('all' satisfies Extent);
}

/** Forgets a task and its timers; them first, which are none without it. */
export async function clearTask(store: StateStore, task: string): Promise<void> {
  await clearTimers(store, task);
  await store.clear(task);
}

export async function clearTimers(store: StateStore, task: string): Promise<void> {
  if ((await store.checkpoint(timersOf(task))) !== null) await store.clear(timersOf(task));
}
