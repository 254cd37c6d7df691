/** Records that could not be used, kept whole with the reason: nothing is lost in silence. */
import type { MillraceError } from '../errors.ts';
import type { LogProducer, LogRecord } from '../log/log.ts';
import { partitionId } from '../log/partition-id.ts';

/** The value of a dead letter, as JSON. */
export interface DeadLetter {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestamp_ms: number;
  readonly code: string;
  readonly reason: string;
  /** The entities that go without it, each in its generation, as `user/2`. */
  readonly readers: readonly string[];
  readonly key_base64: string | null;
  readonly value_base64: string | null;
}

const base64 = (bytes: Uint8Array | null): string | null =>
  bytes === null ? null : Buffer.from(bytes).toString('base64');

export interface Refused {
  readonly record: LogRecord;
  readonly error: MillraceError;
  readonly readers: readonly string[];
}

export function appendDeadLetter(producer: LogProducer, topic: string, { record, error, readers }: Refused): void {
  const letter: DeadLetter = {
    topic: record.topic,
    partition: record.partition,
    offset: record.offset,
    timestamp_ms: record.timestamp_ms,
    code: error.code,
    reason: error.message,
    readers,
    key_base64: base64(record.key),
    value_base64: base64(record.value),
  };
  producer.append(
    topic,
    0,
    Buffer.from(`${partitionId(record)}/${record.offset}`),
    Buffer.from(JSON.stringify(letter)),
  );
}
