/** `millrace dead-letters list|show|check|replay`. */
import { FatalError } from '../errors.ts';
import type { Log } from '../log/log.ts';
import { deadLetterFindings, type Held, type HeldBy } from '../operate/dead-letter-findings.ts';
import { readDeadLetters, type DeadLetterSelection } from '../operate/dead-letter-reader.ts';
import type { DeadLetter } from '../worker/dead-letters.ts';
import { partitionId } from '../worker/partition-id.ts';
import { deadLetterTopic } from '../worker/topics.ts';
import { loadDefinitions } from './load-definitions.ts';
import { withLog } from './operator-log.ts';
import { say, sayFindings, type OutputOptions } from './output.ts';

const shownCharacters = 500;
/** They are held in memory, whole. */
const checkedRecords = 100_000;

export async function listDeadLetters(options: OutputOptions & DeadLetterSelection): Promise<void> {
  await withLog(async (log, { applicationId }) => {
    const letters = await readDeadLetters(log, deadLetterTopic(applicationId), options);
    say(options, letters, letters.length === 0 ? 'none\n' : letters.map(describe).join('\n'));
  });
}

/**
 * One record, whole.
 * @throws FatalError when there is no such dead letter.
 */
export async function showDeadLetter(
  place: { readonly topic: string; readonly partition: string; readonly offset: string },
  options: OutputOptions,
): Promise<void> {
  const { topic } = place;
  const [partition, offset] = [wholeNumber('partition', place.partition), wholeNumber('offset', place.offset)];
  await withLog(async (log, { applicationId }) => {
    const [letter] = await readDeadLetters(log, deadLetterTopic(applicationId), { topic, partition, offset, limit: 1 });
    if (letter === undefined)
      throw new FatalError(
        'config-invalid',
        `${topic}/${partition} at ${offset} is no dead letter, or was one more than thirty days ago; millrace dead-letters list shows all`,
      );
    say(options, letter, whole(letter));
  });
}

/** Whether a new generation would use them: the newest ones, where there are very many. */
export async function checkDeadLetters(definitions: string, options: OutputOptions): Promise<void> {
  const plan = await loadDefinitions(definitions);
  await withLog(async (log, { applicationId }) => {
    const letters = await readDeadLetters(log, deadLetterTopic(applicationId), { limit: checkedRecords });
    const read = new Set(plan.entities.flatMap((entity) => entity.tables.map(({ topic }) => topic)));
    const held = await heldNow(
      log,
      letters.filter(({ topic }) => read.has(topic)),
    );
    sayFindings(options, deadLetterFindings(plan, letters, held));
  });
}

/** Says why there is no such thing, and what to do instead; fails, so that no script takes it for done. */
export function replayDeadLetters(): void {
  process.stderr.write(
    'Dead letters are not put back one by one: behind what came after them they would be counted wrongly, and nobody could tell.\n' +
      'A new generation reads them in their own places. Repair their cause, then see whether it would use them:\n' +
      '  millrace dead-letters check <definitions>\n' +
      'docs/dead-letters.md says more.\n',
  );
  process.exitCode = 1;
}

/** What the partitions of these records hold now. */
async function heldNow(log: Log, letters: readonly DeadLetter[]): Promise<HeldBy> {
  const there = await log.describeTopics([...new Set(letters.map(({ topic }) => topic))]);
  const partitions = [...there.values()].flatMap(({ name, partitions: count }) =>
    Array.from({ length: count }, (_, partition) => ({ topic: name, partition })),
  );
  const reader = await log.reader({ batch: () => undefined, failed: () => undefined });
  try {
    const beginnings = await reader.beginningOffsets(partitions);
    const ends = await reader.endOffsets(partitions);
    const held = new Map<string, Held>(
      partitions.map((at, i) => [partitionId(at), { beginning: beginnings[i]!, end: ends[i]! }]),
    );
    return (at) => held.get(partitionId(at)) ?? null;
  } finally {
    await reader.close();
  }
}

function describe(letter: DeadLetter): string {
  const value = textOf(letter.value_base64);
  const shown = value.length > shownCharacters ? `${value.slice(0, shownCharacters)}…` : value;
  return `${headOf(letter)}\n  ${letter.reason}\n  ${shown}\n`;
}

const whole = (letter: DeadLetter): string =>
  `${headOf(letter)}\n${letter.reason}\n\nkey\n${textOf(letter.key_base64)}\n\nvalue\n${textOf(letter.value_base64)}\n`;

const headOf = ({ topic, partition, offset, timestamp_ms, code }: DeadLetter): string =>
  `${topic}/${partition} at ${offset}, ${new Date(timestamp_ms).toISOString()}, ${code}`;

const textOf = (base64: string | null): string =>
  base64 === null ? '(none)' : Buffer.from(base64, 'base64').toString('utf8');

function wholeNumber(name: string, text: string): number {
  if (!/^\d+$/.test(text)) throw new FatalError('config-invalid', `${name} is "${text}": must be a whole number`);
  return Number(text);
}
