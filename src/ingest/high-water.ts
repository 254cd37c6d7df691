/**
 * What an ingest task must remember of a source partition to tell replays from news. It travels as metadata of the
 * source-offset commit, so that dropping is a pure function of the source's prefix, across restarts and owners.
 */
import { SourceStoppedError } from '../errors.ts';
import type { RowChange } from '../cdc/row-change.ts';
import type { SourceIdentity } from './source-identity.ts';

/** Kafka's default limit for offset metadata is 4,096 bytes. */
export const metadataLimit_bytes = 4000;

const formatVersion = '2';
const time = '(-Infinity|-?\\d+)';
const identity = '([0-9a-f]*);(\\d+);([0-9a-f,]*)';
const pattern = new RegExp(
  `^${formatVersion};(\\d+);${identity};(\\d+);(\\d+);(\\d+);${time};${time};([A-Za-z0-9+/=]*)$`,
);

export interface HighWater extends SourceIdentity {
  /** Highest `source.sequence` of a streamed row. */
  readonly sequence: readonly [bigint, bigint];
  /** Newest commit time of a streamed row, microseconds; −∞ before the first. */
  readonly commit_us: number;
  /** 64-bit hashes, in hexadecimal, of the (primary key, operation)s seen at that very sequence. */
  readonly seen: ReadonlySet<string>;
  /** The offset behind the first snapshot's last row; 0 until it is known that the snapshot is over. */
  readonly snapshotEnd: number;
  /** Newest min(event time, commit time + maxAhead) of a streamed row, microseconds; −∞ before the first. */
  readonly eventTime_us: number;
  /** The session that wrote it. */
  readonly session: number;
}

export const noHighWater: HighWater = {
  topicId: '',
  partitionCount: 0,
  readers: [],
  sequence: [0n, 0n],
  commit_us: -Infinity,
  seen: new Set(),
  snapshotEnd: 0,
  eventTime_us: -Infinity,
  session: 0,
};

/** @throws SourceStoppedError when it is longer than a commit can carry. */
export function formatHighWater(high: HighWater): string {
  const seen = Buffer.from([...high.seen].join(''), 'hex').toString('base64');
  const parts = [
    formatVersion,
    high.session,
    high.topicId,
    high.partitionCount,
    high.readers.join(','),
    high.snapshotEnd,
    high.sequence[0],
    high.sequence[1],
    high.commit_us,
    high.eventTime_us,
    seen,
  ];
  const text = parts.map(String).join(';');
  if (text.length > metadataLimit_bytes) {
    throw new SourceStoppedError(
      'source-stopped',
      `${high.seen.size} rows share the LSN ${high.sequence[1]}; the replay filter can remember about 350. ` +
        'Load so many rows with several statements, or raise the generation after the load',
    );
  }
  return text;
}

/** @throws SourceStoppedError when the text was not written by {@link formatHighWater}. */
export function parseHighWater(text: string): HighWater {
  const match = pattern.exec(text);
  if (match === null) {
    throw new SourceStoppedError(
      'source-stopped',
      `the committed source offset carries metadata of another format ("${text.slice(0, 20)}"); ` +
        'was the consumer group used by another program or version? Choose another MILLRACE_APPLICATION_ID',
    );
  }
  const [, session, topicId, partitionCount, readers, snapshotEnd, first, second, commit_us, eventTime_us, seen] =
    match;
  const hashes = Buffer.from(seen!, 'base64').toString('hex').match(/.{16}/g) ?? [];
  return {
    session: Number(session),
    topicId: topicId!,
    partitionCount: Number(partitionCount),
    readers: readers === '' ? [] : readers!.split(','),
    snapshotEnd: Number(snapshotEnd),
    sequence: [BigInt(first!), BigInt(second!)],
    commit_us: Number(commit_us),
    eventTime_us: Number(eventTime_us),
    seen: new Set(hashes),
  };
}

/** Whether a streamed row is news, at the high-water mark itself, or below it. */
export function compareSequence(row: RowChange, sequence: readonly [bigint, bigint]): number {
  const [first, second] = row.sequence;
  if (first !== sequence[0]) return first < sequence[0] ? -1 : 1;
  return second < sequence[1] ? -1 : second > sequence[1] ? 1 : 0;
}
