/**
 * The OnlineStore port: the newest values of each key, for serving. Redis in production, memory in embedded mode and
 * simulation; `test/conformance/online-store.suite.ts` holds for every implementation.
 */
export interface OnlineWrite {
  /** The stored key, such as `user_features:42`. */
  readonly key: string;
  readonly view: OnlineView;
  readonly generation: number;
  /** The entity-log offset of the frame that produced the values. */
  readonly position: number;
  /** T: what time the values are as of, microseconds. */
  readonly asOf_us: number;
  /** A text for each of the view's fields; null removes the field. */
  readonly values: readonly (string | null)[];
}

/** Shared by all writes of a view. */
export interface OnlineView {
  readonly name: string;
  readonly fields: readonly string[];
}

/** What is stored after the write: the write's own position, or a newer one that refused it. */
export interface OnlineStored {
  readonly applied: boolean;
  readonly generation: number;
  readonly position: number;
  /** The store's clock when the stored values became visible, microseconds. An equal position keeps its first instant. */
  readonly visibleAt_us: number;
}

/**
 * A task's sign in the store of how far its values reach. Lost writes (a flush, a restart without persistence, a failover to a
 * replica that lags) take the sign away or back with them, which is how they are noticed.
 */
export interface Canary {
  /** Unique among all that use the store, such as `<application>.<entity>.g<generation>/<partition>`. */
  readonly task: string;
  /** Once this call has succeeded, all values of the task up to here are stored. An integer; while values are written again, a part more. */
  readonly position: number;
  /**
   * What the store must hold, if nothing was lost: what it has acknowledged before. While it holds less, the canary is not
   * raised, or the sign of the loss would be gone when the answer does not arrive, or the task ends before it has written the
   * lost values again. Leave it out for a task's first values, and once the lost ones are written again.
   */
  readonly expected?: number | null;
}

export interface UpsertResult {
  /** One for each write, in their order. */
  readonly stored: readonly OnlineStored[];
  /** One for each canary, in their order: its position before this call, or null for a missing one. */
  readonly found: readonly (number | null)[];
  /** The store's server process. Another one than before means that acknowledged writes may be lost. */
  readonly incarnation: string;
}

export interface OnlineStore {
  /**
   * Applies writes in their order, each alone and whole: newer or equal (generation, position) wins, older is refused. An equal
   * one is idempotent. Then raises the canaries, which never go back; not if any write failed. Either list may be empty.
   * @throws RetriableError `store-unavailable` when the outcome is unknown or the store is not there; try the same again.
   */
  upsert(writes: readonly OnlineWrite[], canaries?: readonly Canary[]): Promise<UpsertResult>;
  /** All fields of each key, bookkeeping (`_<view>`) included; null for a key that does not exist. */
  read(keys: readonly string[]): Promise<readonly (ReadonlyMap<string, string> | null)[]>;
  close(): Promise<void>;
}

/** The bookkeeping field of a view, a public format: `<generation>:<position>:<T µs>:<visible-at µs>`. */
export const bookkeepingField = (view: string): string => `_${view}`;

export interface Bookkeeping {
  readonly generation: number;
  readonly position: number;
  readonly asOf_us: number;
  readonly visibleAt_us: number;
}

export function formatBookkeeping(b: Bookkeeping): string {
  return `${b.generation}:${b.position}:${b.asOf_us}:${b.visibleAt_us}`;
}

export function parseBookkeeping(text: string): Bookkeeping {
  const [generation, position, asOf_us, visibleAt_us] = text.split(':').map(Number);
  return { generation: generation!, position: position!, asOf_us: asOf_us!, visibleAt_us: visibleAt_us! };
}
