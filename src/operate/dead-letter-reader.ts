/** Reads the dead letters of an application. */
import type { Log, LogRecord } from '../log/log.ts';
import { sleep, systemClock } from '../time/clock.ts';
import type { DeadLetter } from '../worker/dead-letters.ts';

const look_ms = 10;

export interface DeadLetterSelection {
  /** Of this source topic only. */
  readonly topic?: string;
  /** Of this partition of a source topic only. */
  readonly partition?: number;
  /** At this offset of a source partition only. */
  readonly offset?: number;
  /** Refused for this reason only: the code of the error. */
  readonly code?: string;
  /** As many at most, the newest. */
  readonly limit: number;
}

/**
 * The newest of them, oldest first, as far as they are kept. None when the topic does not exist. A record may be there twice: a worker
 * that was killed refuses again what it had not committed.
 */
export async function readDeadLetters(log: Log, name: string, selection: DeadLetterSelection): Promise<DeadLetter[]> {
  const info = (await log.describeTopics([name])).get(name);
  if (info === undefined) return [];
  const { limit } = selection;
  const letters: DeadLetter[] = [];
  const failures: Error[] = [];
  const reader = await log.reader({
    batch: (records) => {
      const read = records.map(parse).filter((letter) => isSelected(letter, selection));
      letters.push(...read);
      letters.splice(0, letters.length - limit);
    },
    failed: (error) => void failures.push(error),
  });
  try {
    const partitions = Array.from({ length: info.partitions }, (_, partition) => ({ topic: name, partition }));
    // The oldest are deleted after their time.
    const beginnings = await reader.beginningOffsets(partitions);
    const ends = await reader.endOffsets(partitions);
    const wanted = partitions
      .map((at, i) => ({ ...at, offset: beginnings[i]! }))
      .filter(({ offset }, i) => ends[i]! > offset);
    await reader.assign(wanted);
    const endOf = new Map(partitions.map(({ partition }, i) => [partition, ends[i]!]));
    const isBehind = (): boolean => wanted.some((at) => (reader.position(at) ?? 0) < endOf.get(at.partition)!);
    while (isBehind()) {
      if (failures[0] !== undefined) throw failures[0];
      await sleep(systemClock, look_ms);
    }
    return letters;
  } finally {
    await reader.close();
  }
}

const isSelected = (letter: DeadLetter, wanted: DeadLetterSelection): boolean =>
  (['topic', 'partition', 'offset', 'code'] as const).every(
    (part) => wanted[part] === undefined || wanted[part] === letter[part],
  );

/** Earlier versions did not say who went without it. */
const parse = ({ value }: LogRecord): DeadLetter => ({
  readers: [],
  ...(JSON.parse(Buffer.from(value!).toString('utf8')) as Omit<DeadLetter, 'readers'>),
});
