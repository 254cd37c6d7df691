/** What an error of the state directory means, and what is to be done about it. */
import { FatalError, messageOf, MillraceError, RetriableError } from '../../errors.ts';
import { nativeError } from './client.ts';

/** RocksDB gives most errors the code EIO: only its words tell them apart. */
const words = {
  locked: /lock hold by current process|while lock file/i,
  full: /no space left|disk quota exceeded|file too large|too many open files|cannot allocate memory/i,
  refused: /permission denied|operation not permitted|read-only file system|not a directory|file name too long/i,
};

/** Null: nothing stands in the way but the database itself, so what it holds cannot be read. */
export function failureOf(error: unknown, dir: string): MillraceError | null {
  if (error instanceof MillraceError) return error;
  const message = messageOf(nativeError(error) ?? error);
  const options = { cause: error };
  const at = `state directory ${dir}: ${message}`;
  if (words.locked.test(message)) {
    const remedy = 'another worker has it open; give each worker a directory of its own (MILLRACE_STATE_DIR)';
    return new FatalError('state-locked', `${at}: ${remedy}`, options);
  }
  if (words.full.test(message)) return new RetriableError('store-unavailable', `${at}: make room there`, options);
  if (words.refused.test(message)) {
    const remedy = 'it has to be a directory that the worker may write to (MILLRACE_STATE_DIR)';
    return new FatalError('store-unavailable', `${at}: ${remedy}`, options);
  }
  return null;
}
