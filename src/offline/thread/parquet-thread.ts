/** Runs in a thread of its own: makes the files that it is asked for, one after another. */
import { parentPort } from 'node:worker_threads';
import { MillraceError, messageOf } from '../../errors.ts';
import { encodeRecords } from '../parquet-encoder.ts';
import { requestOf, type Answer, type Question } from './messages.ts';

const port = parentPort;
if (port === null) throw new Error('parquet-thread runs as a thread only');

port.on('message', (question: Question) => {
  const { id } = question;
  try {
    const encoded = encodeRecords(requestOf(question));
    // The writer's buffer may be larger than the file.
    const bytes = encoded.slice();
    port.postMessage({ id, kind: 'file', bytes } satisfies Answer, [bytes.buffer]);
  } catch (error) {
    const code = error instanceof MillraceError ? error.code : null;
    port.postMessage({ id, kind: 'error', code, message: messageOf(error) } satisfies Answer);
  }
});
