/** `millrace dead-letters list|show|check|replay`. */
import { parseDuration_us } from '../define/duration.ts';
import type { Plan } from '../define/plan.ts';
import { FatalError, messageOf } from '../errors.ts';
import { parseHighWater } from '../ingest/high-water.ts';
import type { Log } from '../log/log.ts';
import { deadLetterFindings } from '../operate/dead-letter-findings.ts';
import { readDeadLetters, type DeadLetterSelection } from '../operate/dead-letter-reader.ts';
import { replayOf, type CommittedBy } from '../operate/dead-letter-replay.ts';
import type { Held, HeldBy } from '../operate/dead-letter-verdict.ts';
import { sleep, systemClock } from '../time/clock.ts';
import type { DeadLetter } from '../worker/dead-letters.ts';
import { ingestGroup } from '../worker/groups.ts';
import { partitionId } from '../log/partition-id.ts';
import { deadLetterTopic } from '../worker/topics.ts';
import { loadDefinitions } from './load-definitions.ts';
import { withLog } from './operator-log.ts';
import { say, sayFindings, type OutputOptions } from './output.ts';

const shownCharacters = 500;
/** They are held in memory, whole. */
const checkedRecords = 100_000;
const replayLook_ms = 500;

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
    sayFindings(options, deadLetterFindings(plan, letters, await heldNow(log, lettersRead(plan, letters))));
  });
}

export interface ReplayOptions extends OutputOptions {
  /** How long to wait for the workers, such as `10m`. */
  readonly timeout: string;
}

/** Waits until the generation of these definitions has read them in their places, and says which it has not. */
export async function replayDeadLetters(definitions: string, options: ReplayOptions): Promise<void> {
  const due_ms = systemClock.now_ms() + timeout_ms(options);
  const plan = await loadDefinitions(definitions);
  await withLog(async (log, { applicationId }) => {
    const read = (): Promise<DeadLetter[]> =>
      readDeadLetters(log, deadLetterTopic(applicationId), { limit: checkedRecords });
    let letters = await read();
    for (let told = 0; ;) {
      const committed = await committedNow(log, applicationId, lettersRead(plan, letters));
      // Again: what was refused on the way to there has been told by now.
      letters = await read();
      const held = await heldNow(log, lettersRead(plan, letters));
      const { waiting, findings } = replayOf(plan, letters, { held, committed });
      if (waiting === 0 || systemClock.now_ms() >= due_ms) {
        sayFindings(options, findings);
        return;
      }
      if (waiting !== told) process.stderr.write(`${waiting} are still to be read\n`);
      told = waiting;
      await sleep(systemClock, replayLook_ms);
    }
  });
}

function timeout_ms({ timeout }: ReplayOptions): number {
  try {
    return parseDuration_us(timeout) / 1000;
  } catch (error) {
    throw new FatalError('config-invalid', `--timeout is ${messageOf(error)}`);
  }
}

/** Those of topics that a definition reads. */
function lettersRead(plan: Plan, letters: readonly DeadLetter[]): DeadLetter[] {
  const read = new Set(plan.entities.flatMap((entity) => entity.tables.map(({ topic }) => topic)));
  return letters.filter(({ topic }) => read.has(topic));
}

/** What the ingest has committed of the partitions of these records. */
async function committedNow(log: Log, application: string, letters: readonly DeadLetter[]): Promise<CommittedBy> {
  const partitions = [
    ...new Map(
      letters.map(({ topic, partition }) => [partitionId({ topic, partition }), { topic, partition }]),
    ).values(),
  ];
  const offsets = await log.groupOffsets(ingestGroup(application), partitions);
  const committed = new Map(
    offsets.flatMap((at) =>
      at?.metadata === undefined
        ? []
        : [[partitionId(at), { offset: at.offset, readers: parseHighWater(at.metadata).readers }]],
    ),
  );
  return (at) => committed.get(partitionId(at)) ?? null;
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
