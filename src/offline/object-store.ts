/**
 * The ObjectStore port: named immutable objects with an atomic create. S3 in production, a folder in embedded mode;
 * `test/conformance/object-store.suite.ts` holds for every implementation.
 */
export interface ObjectStore {
  /**
   * Creates the object unless one of that name is there, which is then left as it is. Of many racers exactly one creates.
   * @throws RetriableError `store-unavailable` when the outcome is unknown; try the same name again.
   */
  create(name: string, body: Uint8Array): Promise<'created' | 'exists'>;
  /** Null when there is no such object. */
  read(name: string): Promise<Uint8Array | null>;
  /** Names that start with the prefix, in byte order, behind `after`. */
  list(prefix: string, after?: string): Promise<readonly string[]>;
  /** Removes the object; nothing happens when there is none. @throws RetriableError as {@link create}. */
  delete(name: string): Promise<void>;
  /** @throws FatalError `object-store-unfit` when the store does not refuse a second create. */
  probe(): Promise<void>;
  close(): Promise<void>;
}
