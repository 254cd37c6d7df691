/** How the one number of memory of a worker is divided. `docs/tune.md` has the table. */

export interface MemoryBudget {
  /** For the states of keys: objects of the JavaScript heap. */
  readonly stateCache_bytes: number;
}

/** What is left beside it: rows and values on their way, the Kafka client, RocksDB (some 200 MiB), what the garbage collector needs. */
const shareOfMemory = 0.3;
const shareOfHeap = 0.45;

/**
 * @param memory_bytes what the process may take in all.
 * @param heap_bytes what the JavaScript heap may grow to: a part of it.
 */
export function memoryBudget(memory_bytes: number, heap_bytes: number): MemoryBudget {
  return { stateCache_bytes: Math.floor(Math.min(memory_bytes * shareOfMemory, heap_bytes * shareOfHeap)) };
}
