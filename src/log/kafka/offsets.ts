/** First and last offsets of partitions: one request a leader for all of them. */
import { FatalError } from '../../errors.ts';
import type { Offset, TopicPartition } from '../log.ts';
import type { Admin } from './admin.ts';
import { call, codes, earliest, isolation, latest, type ListedOffset, type OffsetSpec, type Part } from './client.ts';
import type { Surroundings } from './connection.ts';
import { partitionId } from '../partition-id.ts';
import { retrying } from './retry.ts';

const request_ms = 5000;
/** A topic may be known to one broker and not yet to another. */
const unknownTopicTries = 10;

/** What a group has committed of each of these partitions; null where there is nothing. */
export function offsetsOf(partitions: readonly TopicPartition[], parts: readonly Part[]): readonly (Offset | null)[] {
  const found = new Map(parts.map((part) => [partitionId(part), part]));
  return partitions.map((at) => {
    // librdkafka gives "none" as a negative number.
    const { offset = -1, metadata } = found.get(partitionId(at)) ?? {};
    return offset < 0 ? null : { ...at, offset, ...(metadata ? { metadata } : {}) };
  });
}

export class OffsetLister {
  private readonly admin: Admin;
  private readonly surroundings: Surroundings;

  constructor(admin: Admin, surroundings: Surroundings) {
    this.admin = admin;
    this.surroundings = surroundings;
  }

  /** Behind the last record that a transaction does not keep back. */
  ends(partitions: readonly TopicPartition[], goOn: () => void): Promise<readonly number[]> {
    return this.list(partitions, latest, isolation.readCommitted, goOn);
  }

  /** Behind the last record, whether committed or not. */
  highWaters(partitions: readonly TopicPartition[], goOn: () => void): Promise<readonly number[]> {
    return this.list(partitions, latest, isolation.readUncommitted, goOn);
  }

  beginnings(partitions: readonly TopicPartition[], goOn: () => void): Promise<readonly number[]> {
    return this.list(partitions, earliest, isolation.readUncommitted, goOn);
  }

  private async list(
    partitions: readonly TopicPartition[],
    offset: OffsetSpec,
    isolationLevel: number,
    goOn: () => void,
  ): Promise<readonly number[]> {
    if (partitions.length === 0) return [];
    const asked = partitions.map(({ topic, partition }) => ({ topic, partition, offset }));
    let unknown = 0;
    const attempt = async (): Promise<readonly number[]> => {
      const answers = await call<ListedOffset[]>((done) => {
        this.admin.client.listOffsets(asked, { timeout: request_ms, isolationLevel }, done);
      });
      const failed = answers.find(({ error }) => error !== undefined && error.code !== 0);
      if (failed?.error?.code === codes.unknownTopicOrPartition && (unknown += 1) >= unknownTopicTries) {
        throw new FatalError(
          'topic-missing',
          `topic ${failed.topic} has no partition ${failed.partition}; was it deleted? create it, then restart`,
        );
      }
      const found = new Map(answers.map((answer) => [partitionId(answer), answer.offset]));
      // While the broker is away answers without an error, and without an offset, were seen too.
      const missing = failed ?? asked.find((at) => !((found.get(partitionId(at)) ?? -1) >= 0));
      if (missing !== undefined) {
        await this.refresh(partitions);
        throw unanswered(missing);
      }
      return partitions.map((at) => found.get(partitionId(at))!);
    };
    return retrying({ ...this.surroundings, what: 'listing offsets', goOn }, attempt);
  }

  /**
   * Asks for the leaders again. The client asks those that it knows, in the epochs that it knows, and learns nothing from being refused:
   * after a restart of the broker it would be refused until its metadata is five minutes old.
   */
  private async refresh(partitions: readonly TopicPartition[]): Promise<void> {
    for (const topic of new Set(partitions.map((at) => at.topic))) {
      await call<unknown>((done) => {
        this.admin.client.getMetadata({ topic, allTopics: false, timeout: request_ms }, done);
      });
    }
  }
}

/** It may have another error than the client calls passing: an epoch, a leader, or a topic that is not yet known everywhere. */
function unanswered({ topic, partition, error }: TopicPartition & Pick<ListedOffset, 'error'>): Error {
  const why = error === undefined ? 'no answer' : `${error.message} (${error.code})`;
  const isRetriable = error === undefined || error.code === codes.unknownTopicOrPartition;
  const message = `topic ${topic}, partition ${partition}: ${why}`;
  return Object.assign(new Error(message), { code: error?.code, ...(isRetriable ? { isRetriable } : {}) });
}

export interface Start extends TopicPartition {
  readonly offset: number;
}

/** @throws FatalError when one of the offsets is no longer, or not yet, in its partition: reading on from elsewhere would lose or repeat records. */
export function checkRange(
  starts: readonly Start[],
  beginnings: readonly number[],
  highWaters: readonly number[],
): void {
  starts.forEach(({ topic, partition, offset }, i) => {
    const [first, end] = [beginnings[i]!, highWaters[i]!];
    if (offset >= first && offset <= end) return;
    const reason =
      offset < first
        ? `its records up to offset ${first - 1} were deleted by retention before they were read; raise the topic's retention and start the entity anew (a new generation), which reads from a snapshot`
        : `the partition ends at ${end}, so records were lost or the topic was created anew; start the entity anew (a new generation)`;
    throw new FatalError(
      'topic-mismatch',
      `cannot read topic ${topic} partition ${partition} from offset ${offset}: ${reason}`,
    );
  });
}
