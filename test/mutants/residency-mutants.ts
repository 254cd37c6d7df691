/** Bugs in what is in memory and what on disk only. */
import type { Mutant } from './runner.ts';

export const residency: readonly Mutant[] = [
  {
    name: 'a key leaves memory before its change is on disk',
    file: 'entity/key-table.ts',
    find: 'return state.takenIn <= this.written && !this.changed.has(key);',
    replace: 'return !this.changed.has(key);',
    why: 'what comes back is the state before',
    test: 'entity/evicted-keys.test.ts',
  },
  {
    name: 'a key leaves while the disk is asked for its timer',
    file: 'entity/timer-queue.ts',
    find: 'return !this.isNear(timer) && !isBefore(timer, this.asked);',
    replace: 'return !this.isNear(timer);',
    why: 'its timer is stored behind what was read of them, and never fires',
    test: 'entity/evicted-keys.test.ts',
  },
  {
    name: 'a changed key leaves memory',
    file: 'entity/key-table.ts',
    find: 'return state.takenIn <= this.written && !this.changed.has(key);',
    replace: 'return state.takenIn <= this.written;',
    why: 'its rows since the last commit are gone',
  },
  {
    name: 'timers of keys on disk not stored',
    file: 'worker/state-cache.ts',
    find: 'if (noted_us === timer_us) return [];',
    replace: 'return [];',
    why: 'the values of a quiet key do not fall',
  },
  {
    name: 'timers of keys that stay on disk not stored',
    file: 'worker/task-loading.ts',
    find: 'if (timer !== null) timers.push(storedTimer(timer));',
    replace: '',
    why: 'after a restore the values of a quiet key do not fall',
  },
  {
    name: 'chunks of a key not brought',
    file: 'worker/state-loader.ts',
    find: 'for (const [i, chunk] of chunks.entries()) residency.readChunk(chunk, found[i]!);',
    replace: 'void found;',
    why: 'long windows of a key that comes back are empty',
  },
  {
    name: 'timers that left twice counted twice',
    file: 'entity/timer-queue.ts',
    find: 'return counted.add(`${entry.view} ${entry.key}`).size > size;',
    replace: 'return counted.add(`${entry.view} ${entry.key}`).size >= size;',
    why: 'a frame comes to timers that are on disk still',
  },
  {
    name: 'values of keys on disk only not written again',
    file: 'entity/published-on-disk.ts',
    find: 'if (keys.isInMemory(key) && keys.wasAlwaysComplete) return;',
    replace: 'if (keys.isInMemory(key) || !keys.wasAlwaysComplete) return;',
    why: 'what the online store lost of them stays lost',
  },
];
