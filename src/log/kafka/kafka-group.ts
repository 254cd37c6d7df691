/** One member of a consumer group: cooperative rebalances in turn with the batches. */
import { FatalError, messageOf, RetriableError, TaskMigratedError } from '../../errors.ts';
import { atMost } from '../../time/clock.ts';
import type { GroupConsumer, GroupConsumerOptions, Offset, TopicPartition } from '../log.ts';
import { brokersLost, watchBrokers } from './broker-watch.ts';
import {
  call,
  type ClientError,
  codes,
  type ConsumerClient,
  newConsumer,
  offsetBeginning,
  type Part,
} from './client.ts';
import { CommittedOffsets } from './committed-offsets.ts';
import { connect, type Surroundings } from './connection.ts';
import { checkRange, type OffsetLister } from './offsets.ts';
import { partitionId } from '../partition-id.ts';
import { RecordPump } from './record-pump.ts';
import { groupSettings } from './settings.ts';
import { StalledPartitions, type ReadingAt } from './stalled-partitions.ts';

/** A fetch that found its offset gone may stop without a word: looked after at this interval. */
const guard_ms = 30_000;
const seek_ms = 10_000;
const disconnect_ms = 10_000;
/** What a revocation or a closing grants to commits when the group does not answer. */
const lastCommits_ms = 10_000;
const plain = ({ topic, partition }: TopicPartition): TopicPartition => ({ topic, partition });
const migrated = new Set<number>([
  codes.illegalGeneration,
  codes.unknownMember,
  codes.fencedInstance,
  codes.staleMemberEpoch,
]);
/** The group goes on without the member that asked. */
export const isMigration = (error: unknown): boolean => migrated.has((error as ClientError).code);

export async function joinGroup(
  surroundings: Surroundings,
  lister: OffsetLister,
  options: GroupConsumerOptions,
): Promise<KafkaGroupConsumer> {
  const member = new KafkaGroupConsumer(surroundings, lister, options);
  await member.join();
  return member;
}

export class KafkaGroupConsumer implements GroupConsumer {
  private readonly surroundings: Surroundings;
  private readonly lister: OffsetLister;
  private readonly options: GroupConsumerOptions;
  private readonly client: ConsumerClient;
  private readonly pump: RecordPump;
  private readonly owned = new Map<string, TopicPartition>();
  private readonly offsets: CommittedOffsets;
  private readonly commits = new Set<Promise<unknown>>();
  /** What stood still below its partition's beginning when the guard looked last. */
  private readonly stalled = new StalledPartitions();
  private stopGuard: () => void = () => undefined;
  private closing: Promise<void> | null = null;
  private closingSince_ms = Infinity;
  private released = false;
  private dead = false;

  constructor(surroundings: Surroundings, lister: OffsetLister, options: GroupConsumerOptions) {
    this.surroundings = surroundings;
    this.lister = lister;
    this.options = options;
    this.client = newConsumer({
      ...groupSettings(surroundings.settings, options.group, surroundings.groupInstanceId ?? null),
      rebalance_cb: this.rebalance,
      queue_non_empty_cb: () => {
        this.pump.wake();
      },
    });
    this.offsets = new CommittedOffsets({ client: this.client, surroundings, group: options.group });
    watchBrokers(this.client, () => {
      this.fail(brokersLost(`group ${options.group}`));
    });
    this.pump = new RecordPump({
      client: this.client,
      clock: surroundings.clock,
      batch_records: options.batch_records ?? 1000,
      batch: (records) => options.handlers.batch(records),
      failed: this.fail,
      reported: this.reported,
    });
  }

  async join(): Promise<void> {
    const { clock } = this.surroundings;
    await connect(this.client, this.surroundings, { group: this.options.group });
    this.client.subscribe(this.options.topics);
    this.stopGuard = clock.every(guard_ms, this.guard);
    // Rebalances are served by polling alone, so nothing is called before the caller has this member in hand.
    clock.after(0, () => {
      if (this.closing === null) this.pump.start();
    });
  }

  async committed(partitions: readonly TopicPartition[]): Promise<readonly (Offset | null)[]> {
    return partitions.length === 0 ? [] : this.offsets.read(partitions, this.goOn);
  }

  async commit(offsets: readonly Offset[]): Promise<void> {
    if (offsets.length === 0) return;
    await this.whileOwned(offsets, (check) =>
      this.offsets.write(offsets, () => {
        this.goOn();
        check();
      }),
    );
  }

  /** A transaction that commits offsets of this group. The group's membership travels with the client. */
  transact<T>(offsets: readonly Offset[], run: (client: ConsumerClient, check: () => void) => Promise<T>): Promise<T> {
    return this.whileOwned(offsets, (check) => run(this.client, check));
  }

  /** Partitions are not given up while it is under way; `check` throws when one of them was. */
  private whileOwned<T>(partitions: readonly TopicPartition[], run: (check: () => void) => Promise<T>): Promise<T> {
    const work = this.commitNow(partitions, run).finally(() => this.commits.delete(work));
    this.commits.add(work);
    return work;
  }

  private async commitNow<T>(
    partitions: readonly TopicPartition[],
    run: (check: () => void) => Promise<T>,
  ): Promise<T> {
    this.goOn();
    const check = this.claim(partitions);
    check();
    try {
      return await run(check);
    } catch (error) {
      if (!isMigration(error)) throw error;
      throw new TaskMigratedError(
        'task-lost',
        `not committed: group ${this.options.group} goes on without this member (${messageOf(error)})`,
        { cause: error },
      );
    }
  }

  /** Each assignment is an object of its own: a partition that left and came back is another. */
  private claim(partitions: readonly TopicPartition[]): () => void {
    const claimed = new Map(partitions.map((at) => [partitionId(at), this.owned.get(partitionId(at))]));
    return () => {
      const gone = [...claimed].filter(([id, at]) => at === undefined || this.owned.get(id) !== at).map(([id]) => id);
      if (gone.length > 0)
        throw new TaskMigratedError(
          'task-lost',
          `not committed: ${gone.join(', ')} left this member of group ${this.options.group}`,
        );
    };
  }

  endOffsets(partitions: readonly TopicPartition[]): Promise<readonly number[]> {
    return this.lister.ends(partitions, this.goOn);
  }

  beginningOffsets(partitions: readonly TopicPartition[]): Promise<readonly number[]> {
    return this.lister.beginnings(partitions, this.goOn);
  }

  position(at: TopicPartition): number | null {
    return this.pump.position(at);
  }

  pause(partitions: readonly TopicPartition[]): void {
    this.pump.pause(partitions);
  }

  resume(partitions: readonly TopicPartition[]): void {
    this.pump.resume(partitions);
  }

  seek(offsets: readonly Offset[]): Promise<void> {
    return this.pump.exclusively(async () => {
      for (const { topic, partition, offset } of offsets) {
        if (this.pump.position({ topic, partition }) === null) continue;
        await call<undefined>((done) => {
          this.client.seek({ topic, partition, offset }, seek_ms, (error) => {
            done(error, undefined);
          });
        });
        this.pump.seek({ topic, partition }, offset);
      }
    });
  }

  close(): Promise<void> {
    this.closing ??= this.closeNow();
    return this.closing;
  }

  private async closeNow(): Promise<void> {
    const { clock, logger } = this.surroundings;
    this.closingSince_ms = clock.monotonic_ms();
    this.stopGuard();
    await this.pump.exclusively(async () => {
      // Before the client closes: from then on it refuses commits.
      this.pump.stop();
      await this.giveUp([...this.owned.values()]);
      this.released = true;
    });
    const disconnected = new Promise<void>((resolve) => {
      this.client.disconnect(resolve);
    });
    await atMost(clock, disconnect_ms, disconnected, () => {
      logger.warn({ group: this.options.group }, 'the group was not left in time; its session runs out instead');
    });
  }

  /** Called on the JS thread, from within a poll. The rebalance goes on only when we have assigned or unassigned. */
  private readonly rebalance = (error: ClientError, parts: readonly Part[]): void => {
    const partitions = parts.map(plain);
    if (error.code === codes.assignPartitions) {
      void this.pump.exclusively(() => this.assign(partitions));
    } else if (error.code !== codes.revokePartitions) {
      this.reported(error);
    } else if (this.released) {
      this.release(partitions);
    } else if (this.client.assignmentLost()) {
      this.lose(partitions);
    } else {
      void this.pump.exclusively(async () => {
        if (!this.released) await this.giveUp(partitions.filter((at) => this.owned.has(partitionId(at))));
        this.release(partitions);
      });
    }
  };

  private async assign(partitions: readonly TopicPartition[]): Promise<void> {
    try {
      const starts = partitions.length === 0 || this.released || this.dead ? [] : await this.startsOf(partitions);
      this.client.incrementalAssign(starts.map(({ part }) => part));
      this.pump.pause(starts.filter(({ paused }) => paused).map(({ part }) => plain(part)));
    } catch (error) {
      for (const at of partitions) this.pump.end(at);
      // The client closes in the middle of a rebalance: it has no use for an answer.
      if (!this.released) this.fail(error);
    }
  }

  /** Where each partition starts, checked: the client itself would wait in silence at an offset that is not there. */
  private async startsOf(
    partitions: readonly TopicPartition[],
  ): Promise<readonly { readonly part: Part; readonly paused: boolean }[]> {
    for (const at of partitions) this.owned.set(partitionId(at), at);
    const asked = await this.options.handlers.assigned(partitions);
    const paused = new Set(asked.filter((start) => start.paused).map(partitionId));
    const chosen = new Map(asked.map((start) => [partitionId(start), start.offset]));
    const others = partitions.filter((at) => !chosen.has(partitionId(at)));
    for (const offset of await this.committed(others))
      if (offset !== null) chosen.set(partitionId(offset), offset.offset);

    const [beginnings, highWaters] = await Promise.all([
      this.beginningOffsets(partitions),
      this.lister.highWaters(partitions, this.goOn),
    ]);
    const starts = partitions.map((at, i) => ({ ...at, offset: chosen.get(partitionId(at)) ?? beginnings[i]! }));
    checkRange(starts, beginnings, highWaters);
    for (const start of starts) this.pump.begin(start, start.offset);
    return starts.map((start) => ({
      // Retention may move the beginning meanwhile: where it was asked for, the broker finds it.
      part: chosen.has(partitionId(start)) ? start : { ...start, offset: offsetBeginning },
      paused: paused.has(partitionId(start)),
    }));
  }

  private async giveUp(partitions: readonly TopicPartition[]): Promise<void> {
    if (partitions.length > 0) {
      try {
        await this.options.handlers.revoked(partitions);
      } catch (error) {
        this.fail(error);
      }
    }
    for (const at of partitions) {
      this.owned.delete(partitionId(at));
      this.endPart(at);
    }
    // A commit that is still under way must not arrive behind those of the next owner.
    await atMost(this.surroundings.clock, lastCommits_ms, Promise.allSettled(this.commits));
  }

  private lose(partitions: readonly TopicPartition[]): void {
    const lost = partitions.filter((at) => this.owned.delete(partitionId(at)));
    for (const at of lost) this.endPart(at);
    this.surroundings.logger.warn(
      { group: this.options.group, partitions: lost.map(partitionId) },
      'partitions lost: the group went on without this member',
    );
    if (lost.length > 0) this.options.handlers.lost(lost);
    // Only then does this member join again: what is under way must not go through with the metadata of its next life.
    void Promise.allSettled(this.commits).then(() => {
      this.release(partitions);
    });
  }

  /** The client keeps its pause across assignments, the port does not. */
  private endPart(at: TopicPartition): void {
    if (this.pump.isPaused(at) && this.client.isConnected()) this.client.resume([at]);
    this.pump.end(at);
  }

  private release(partitions: readonly TopicPartition[]): void {
    try {
      if (this.client.rebalanceProtocol() === 'COOPERATIVE') this.client.incrementalUnassign(partitions);
      else this.client.unassign();
    } catch (error) {
      this.surroundings.logger.warn({ group: this.options.group }, `releasing partitions: ${messageOf(error)}`);
    }
  }

  private readonly reported = (error: ClientError): void => {
    if (error.isFatal === true || error.code === codes.fatal) {
      this.fail(
        new FatalError('task-lost', `group ${this.options.group}: ${error.message}; ${this.remedy}`, {
          cause: error,
        }),
      );
      return;
    }
    this.surroundings.logger.warn({ group: this.options.group, code: error.code }, `kafka consumer: ${error.message}`);
    if (error.code === codes.autoOffsetReset) this.guard();
  };

  /** The client does not say why it cannot go on; of a static member it is that another one took its name. */
  private get remedy(): string {
    const { groupInstanceId } = this.surroundings;
    if (!groupInstanceId) return 'restart this worker';
    return `did another process take over as MILLRACE_GROUP_INSTANCE_ID=${groupInstanceId}? Give each worker its own, and restart this one`;
  }

  private readonly fail = (error: unknown): void => {
    if (this.dead) return;
    this.dead = true;
    this.pump.stop();
    this.options.handlers.failed(error instanceof Error ? error : new Error(messageOf(error)));
  };

  private readonly goOn = (): void => {
    const { clock } = this.surroundings;
    if (this.released || clock.monotonic_ms() - this.closingSince_ms > lastCommits_ms) {
      throw new RetriableError('log-unavailable', `the member of group ${this.options.group} is closed`);
    }
  };

  private readonly guard = (): void => {
    const before = this.pump.positions();
    void this.findStalled(before).catch((error: unknown) => {
      if (error instanceof FatalError) this.fail(error);
    });
  };

  private async findStalled(before: readonly ReadingAt[]): Promise<void> {
    const partitions = before.map(({ at }) => plain(at));
    const [beginnings, highWaters] = await Promise.all([
      this.beginningOffsets(partitions),
      this.lister.highWaters(partitions, this.goOn),
    ]);
    const still = before.map(({ at, position }) => this.pump.position(at) === position);
    const where = <T>(all: readonly T[]): T[] => all.filter((_, i) => still[i]);
    this.stalled.look(where(before), where(beginnings), where(highWaters));
  }
}
