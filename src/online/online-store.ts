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

export interface OnlineStore {
  /**
   * Applies writes in their order, each alone and whole: newer or equal (generation, position) wins, older is refused. An equal
   * one is idempotent.
   * @throws RetriableError `store-unavailable` when the outcome is unknown or the store is not there; try the same again.
   */
  upsert(writes: readonly OnlineWrite[]): Promise<readonly OnlineStored[]>;
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
