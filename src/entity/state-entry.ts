/** Entries of a task's changelog and store. */
import { messageOf, MillraceError } from '../errors.ts';
import { parseStateKey, type StateKey } from './state-key.ts';

/** An entry of the task's changelog: the state of a key, or the task record. */
export interface StateChange {
  readonly key: Uint8Array;
  readonly value: Uint8Array | null;
}

/** What reads bytes of a state throws RangeErrors. @throws MillraceError `state-unreadable` in place of them */
export function readingState<T>(entity: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new MillraceError('state-unreadable', `state of entity ${entity}: ${messageOf(error)}`, { cause: error });
  }
}

/** Does nothing for the task record and for what is removed. @throws MillraceError `state-unreadable` */
export function withEntry(
  entity: string,
  { key, value }: StateChange,
  use: (at: StateKey, value: Uint8Array) => void,
): void {
  readingState(entity, () => {
    const parsed = parseStateKey(key);
    if (parsed !== null && value !== null) use(parsed, value);
  });
}
