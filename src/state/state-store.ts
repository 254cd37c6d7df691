/**
 * The StateStore port: the state of entity tasks on the local disk, so that a restarted worker replays only what came since. RocksDB
 * in production, memory in embedded mode and simulation; `test/conformance/state-store.suite.ts` holds for every implementation.
 */
export interface StateEntry {
  readonly key: Uint8Array;
  /** Null removes the entry. */
  readonly value: Uint8Array | null;
}

export interface StateRange {
  readonly from: Uint8Array;
  /** Not contained. */
  readonly to: Uint8Array;
  readonly limit: number;
}

/** Where a task's entries stand in its changelog. */
export interface StateCheckpoint {
  /** The changelog offset of the last record that is contained. */
  readonly changelogOffset: number;
  /** When it was written, milliseconds since 1970. */
  readonly written_ms: number;
  /** The definition and the engine's semantics that wrote the entries. */
  readonly definition: string;
}

/** What one write changes of one task. */
export interface TaskWrite {
  /** Names the task: `topic/partition` of its changelog; without a NUL. */
  readonly task: string;
  readonly entries: readonly StateEntry[];
  readonly checkpoint: StateCheckpoint;
}

/** A task as of one moment. */
export interface StateSnapshot {
  readonly checkpoint: StateCheckpoint;
  /** As of {@link StateStore.entries}; to be read once at most. */
  readonly entries: AsyncIterable<readonly StateEntry[]>;
  /** To be called in any case: until then the store keeps what it would else let go. */
  close(): Promise<void>;
}

/**
 * Every method may throw a FatalError `state-unreadable` (the store holds what it cannot read: whoever opens it next begins with
 * nothing) or `store-unavailable` (the disk refuses, or the store is closed), or a RetriableError `store-unavailable`.
 */
export interface StateStore {
  /** Null when the store holds nothing of the task. */
  checkpoint(task: string): Promise<StateCheckpoint | null>;
  /**
   * All of it or nothing, checkpoints included, whatever kills the process. Writes and clears take effect in the order of their
   * calls; within one write a later entry replaces an earlier one. Buffers are not to be changed until it has resolved.
   * @throws RetriableError `store-unavailable` when the disk is full; nothing of it was written.
   */
  write(writes: readonly TaskWrite[]): Promise<void>;
  /**
   * A task's entries in the order of their keys' bytes, in batches; no value is null. Sees the state as of the call for the first
   * batch; writes may go on meanwhile.
   */
  entries(task: string): AsyncIterable<readonly StateEntry[]>;
  /** The values of some entries, in the order of the keys; null where there is none. As of the writes that have resolved. */
  get(task: string, keys: readonly Uint8Array[]): Promise<readonly (Uint8Array | null)[]>;
  /** The first entries of a range, in the order of their keys' bytes. As of the writes that have resolved. */
  range(task: string, range: StateRange): Promise<readonly StateEntry[]>;
  /**
   * Checkpoint and entries of one and the same moment, that of the call; writes may go on meanwhile. Null when the store holds nothing
   * of the task.
   */
  snapshot(task: string): Promise<StateSnapshot | null>;
  /** Forgets a task, checkpoint included, at the cost of one range delete. */
  clear(task: string): Promise<void>;
  /** Tasks that the store holds, in the order of their names' UTF-8 bytes. */
  tasks(): Promise<readonly string[]>;
  /** Waits for writes, ends what still reads with an error. */
  close(): Promise<void>;
}
