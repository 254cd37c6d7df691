/** Who lives in a state directory: one name for all lives of the worker that has it. */
import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FatalError, messageOf } from '../../errors.ts';
import { failureOf } from './failure.ts';
import { readIfThere } from './folder.ts';

const file = 'identity';
const shape = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * Made when it is missing. Only for who has the database in there open: its lock keeps every other away.
 * @throws FatalError or RetriableError `store-unavailable`
 */
export async function identityOf(dir: string): Promise<string> {
  const path = join(dir, file);
  try {
    const found = await readIfThere(path);
    // A crash may have left half of one.
    if (found !== null && shape.test(found)) return found;
    const made = randomUUID();
    await writeFile(path, made);
    return made;
  } catch (error) {
    throw (
      failureOf(error, dir) ??
      new FatalError('store-unavailable', `state directory ${dir}: ${messageOf(error)}: remove it`, { cause: error })
    );
  }
}
