/** The offsets that a group has committed, as a member reads and writes them. */
import { TaskMigratedError } from '../../errors.ts';
import type { Offset, TopicPartition } from '../log.ts';
import { call, type ConsumerClient, type Part } from './client.ts';
import type { Surroundings } from './connection.ts';
import { offsetsOf } from './offsets.ts';
import { partitionId } from '../partition-id.ts';
import { retrying } from './retry.ts';

const request_ms = 10_000;
/** A member that the group goes on without hears of it by then, and is not asked again. */
const refused_ms = 10_000;

export const toPart = ({ topic, partition, offset, metadata }: Offset): Part => ({
  topic,
  partition,
  offset,
  ...(metadata === undefined ? {} : { metadata }),
});

export interface CommittedOffsetsOptions {
  readonly client: ConsumerClient;
  readonly surroundings: Surroundings;
  readonly group: string;
}

export class CommittedOffsets {
  private readonly options: CommittedOffsetsOptions;
  private turn: Promise<unknown> = Promise.resolve();

  constructor(options: CommittedOffsetsOptions) {
    this.options = options;
  }

  /** @param goOn throws when it is not to be asked again. */
  read(partitions: readonly TopicPartition[], goOn: () => void): Promise<readonly (Offset | null)[]> {
    return retrying({ ...this.options.surroundings, what: 'reading committed offsets', goOn }, () =>
      this.ask(partitions),
    );
  }

  /**
   * Resolves when the group has them. One after the other: a commit that is made again must not arrive behind a newer one.
   * @throws TaskMigratedError `task-lost` when it does not take them.
   */
  write(offsets: readonly Offset[], goOn: () => void): Promise<void> {
    const result = this.turn.then(() => this.writeNow(offsets, goOn));
    this.turn = result.catch(() => undefined);
    return result;
  }

  private async writeNow(offsets: readonly Offset[], goOn: () => void): Promise<void> {
    const { client, surroundings, group } = this.options;
    let asked_ms = NaN;
    await retrying({ ...surroundings, what: 'committing offsets', goOn }, async () => {
      // Answers when the commit is queued, and says nothing of a refusal: the question behind it, on the same connection, does.
      await call<undefined>((done) => {
        client.commitCb(offsets.map(toPart), (error) => {
          done(error, undefined);
        });
      });
      const kept = await this.ask(offsets);
      const missing = offsets.find((offset, i) => !isSame(offset, kept[i]!));
      if (missing === undefined) return;
      const now_ms = surroundings.clock.monotonic_ms();
      if (Number.isNaN(asked_ms)) asked_ms = now_ms;
      const message = `not committed: group ${group} keeps another offset of ${partitionId(missing)} than ${missing.offset}`;
      if (now_ms - asked_ms > refused_ms) throw new TaskMigratedError('task-lost', message);
      throw Object.assign(new Error(message), { isRetriable: true });
    });
  }

  private async ask(partitions: readonly TopicPartition[]): Promise<readonly (Offset | null)[]> {
    const asked = partitions.map(({ topic, partition }) => ({ topic, partition }));
    const found = await call<Part[]>((done) => {
      this.options.client.committed(asked, request_ms, done);
    });
    return offsetsOf(asked, found);
  }
}

const isSame = (wanted: Offset, kept: Offset | null): boolean =>
  kept?.offset === wanted.offset && (kept.metadata ?? '') === (wanted.metadata ?? '');
