/** Reads the dead letters of an application. */
import type { Log, LogRecord } from '../log/log.ts';
import { sleep, systemClock } from '../time/clock.ts';
import type { DeadLetter } from '../worker/dead-letters.ts';

const look_ms = 10;

export interface DeadLetterSelection {
  /** Of this source topic only. */
  readonly topic?: string;
  /** As many at most, the newest. */
  readonly limit: number;
}

/** The newest of them, oldest first; of one source topic, or of all. None when the topic does not exist. */
export async function readDeadLetters(
  log: Log,
  name: string,
  { topic, limit }: DeadLetterSelection,
): Promise<DeadLetter[]> {
  const info = (await log.describeTopics([name])).get(name);
  if (info === undefined) return [];
  const letters: DeadLetter[] = [];
  const failures: Error[] = [];
  const reader = await log.reader({
    batch: (records) => {
      const read = records.map(parse).filter((letter) => topic === undefined || letter.topic === topic);
      letters.push(...read);
      letters.splice(0, letters.length - limit);
    },
    failed: (error) => void failures.push(error),
  });
  try {
    const partitions = Array.from({ length: info.partitions }, (_, partition) => ({
      topic: name,
      partition,
      offset: 0,
    }));
    const ends = await reader.endOffsets(partitions);
    const wanted = partitions.filter((_, i) => ends[i]! > 0);
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

const parse = ({ value }: LogRecord): DeadLetter => JSON.parse(Buffer.from(value!).toString('utf8')) as DeadLetter;
