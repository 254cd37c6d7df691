/** How much an entity keeps. */
export interface StateSize {
  /** Keys that hold state, of all views of the entity. */
  readonly keys: number;
  /** Of their state as it is stored, keys included. */
  readonly bytes: number;
}
