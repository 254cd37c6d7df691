/** A history of numbered writes over two tasks: what a store holds after any of them can be computed again. */
import type { StateEntry, TaskWrite } from '../../src/state/state-store.ts';

export const historyTasks = ['changelog/0', 'changelog/1'] as const;

const keys = 40;
const entriesOfWrite = 12;
/** A memory table of 64 MB is full after some hundred writes. */
const value_bytes = 16_384;

function entriesOf(n: number): StateEntry[] {
  return Array.from({ length: entriesOfWrite }, (_, i) => {
    const slot = (n * 7 + i) % keys;
    const isRemoval = (n + i) % 5 === 0;
    return { key: Buffer.from(`k${slot}`), value: isRemoval ? null : Buffer.alloc(value_bytes, `${n}:${i};`) };
  });
}

/** The nth write, from 1. */
export function writeOf(n: number): TaskWrite[] {
  const checkpoint = { changelogOffset: n, written_ms: n, definition: 'history' };
  return historyTasks.map((task) => ({ task, entries: entriesOf(n), checkpoint }));
}

/** What each of the tasks holds after the nth write, by key. */
export function stateAfter(n: number): Map<string, string> {
  const state = new Map<string, string>();
  // Older writes cannot show: each slot comes up again within a few.
  for (let i = Math.max(1, n - keys); i <= n; i++) {
    for (const { key, value } of entriesOf(i)) {
      if (value === null) state.delete(key.toString());
      else state.set(key.toString(), value.toString());
    }
  }
  return state;
}
