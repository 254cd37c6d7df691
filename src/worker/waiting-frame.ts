/** A frame that was read and not applied. */
import { MillraceError } from '../errors.ts';
import { decodeEntityFrame, type EntityFrame } from '../frames/row-frame.ts';
import type { LogRecord } from '../log/log.ts';
import type { OwnedEntityPartition } from './owned-entity-partition.ts';
import { partitionId } from '../log/partition-id.ts';

export interface WaitingFrame {
  readonly owned: OwnedEntityPartition;
  readonly record: LogRecord;
  /** Once it was decoded. */
  frame?: EntityFrame;
}

/** @throws MillraceError with the place of the record. */
export function frameOf(waiting: WaitingFrame): EntityFrame {
  const { owned, record } = waiting;
  waiting.frame ??= placed(record, () => decodeEntityFrame(record.value!, owned.entity));
  return waiting.frame;
}

/** With the place of the record in front of what is thrown. */
export function placed<T>(record: LogRecord, call: () => T): T {
  try {
    return call();
  } catch (error) {
    if (!(error instanceof MillraceError)) throw error;
    const message = `${partitionId(record)} at offset ${record.offset}: ${error.message}`;
    throw new MillraceError(error.code, message, { cause: error });
  }
}
