/** An entry of a task's changelog or store, read with an error that says whose it is. */
import { MillraceError } from '../errors.ts';
import type { StateChange } from './entity-task.ts';
import { parseStateKey, type StateKey } from './state-key.ts';

/** Does nothing for the task record and for what is removed. @throws MillraceError `state-unreadable` */
export function withEntry(
  entity: string,
  { key, value }: StateChange,
  use: (at: StateKey, value: Uint8Array) => void,
): void {
  try {
    const parsed = parseStateKey(key);
    if (parsed !== null && value !== null) use(parsed, value);
  } catch (error) {
    throw new MillraceError('state-unreadable', `state of entity ${entity}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
