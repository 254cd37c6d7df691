/** `millrace dead-letters list`. */
import { readDeadLetters, type DeadLetterSelection } from '../operate/dead-letter-reader.ts';
import type { DeadLetter } from '../worker/dead-letters.ts';
import { deadLetterTopic } from '../worker/topics.ts';
import { withLog } from './operator-log.ts';
import { say, type OutputOptions } from './output.ts';

export async function listDeadLetters(options: OutputOptions & DeadLetterSelection): Promise<void> {
  await withLog(async (log, { applicationId }) => {
    const letters = await readDeadLetters(log, deadLetterTopic(applicationId), options);
    say(options, letters, letters.length === 0 ? 'none\n' : letters.map(describe).join('\n'));
  });
}

function describe({ topic, partition, offset, timestamp_ms, code, reason, value_base64 }: DeadLetter): string {
  const value = value_base64 === null ? '(no value)' : Buffer.from(value_base64, 'base64').toString('utf8');
  const shown = value.length > 500 ? `${value.slice(0, 500)}…` : value;
  return `${topic}/${partition} at ${offset}, ${new Date(timestamp_ms).toISOString()}, ${code}\n  ${reason}\n  ${shown}\n`;
}
