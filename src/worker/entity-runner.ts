/**
 * Runs the entity tasks that a worker is assigned: replays the entity log to rebuild their state, applies frames, brings values
 * online at once, and commits: online store acknowledged, feature log flushed, then offsets.
 */
import type { EntityPlan } from '../define/plan.ts';
import { MillraceError, messageOf } from '../errors.ts';
import { decodeEntityFrame, encodeTickFrame } from '../frames/row-frame.ts';
import type { GroupConsumer, LogProducer, LogRecord, Offset, TopicPartition } from '../log/log.ts';
import type { OnlineStore } from '../online/online-store.ts';
import { atMost } from '../time/clock.ts';
import type { RunnerOptions } from './runner-options.ts';
import { OnlineWriter } from './online-writer.ts';
import { OwnedEntityPartition } from './owned-entity-partition.ts';
import { partitionId } from './partition-id.ts';
import { Repeater } from './repeater.ts';
import { entityLogTopic, featureLogTopic } from './topics.ts';

/** Values that may wait for the online store before frames are no longer read. */
const pendingLimit = 100_000;
const metricsInterval_ms = 1000;
/** What a partition that is taken away may cost in time: then it goes without a last commit. */
const revokeBudget_ms = 5000;
/** What a clean end may cost in time before what is not acknowledged is given up. */
const stopBudget_ms = 8000;

export interface EntityRunnerOptions extends RunnerOptions {
  readonly online: OnlineStore;
}

export class EntityRunner {
  private readonly options: EntityRunnerOptions;
  private readonly entities = new Map<string, EntityPlan>();
  private readonly owned = new Map<string, OwnedEntityPartition>();
  private readonly writer: OnlineWriter;
  private commits: Repeater | null = null;
  private stopMetrics: () => void = () => undefined;
  private consumer: GroupConsumer | null = null;
  private producer: LogProducer | null = null;
  private committing: Promise<void> = Promise.resolve();

  constructor(options: EntityRunnerOptions) {
    this.options = options;
    const { online: store, clock, logger, metrics, failed } = options;
    this.writer = new OnlineWriter({ store, clock, logger, metrics, failed });
    for (const entity of options.plan.entities) this.entities.set(entityLogTopic(options.application, entity), entity);
  }

  async start(): Promise<void> {
    const { log, application, failed, clock, commitInterval_ms, logger } = this.options;
    this.producer = await log.producer({ name: 'entity', failed });
    this.consumer = await log.groupConsumer({
      group: `${application}.entity`,
      topics: [...this.entities.keys()],
      handlers: {
        assigned: (partitions) => this.assigned(partitions),
        revoked: (partitions) => this.revoked(partitions),
        lost: (partitions) => {
          this.release(partitions);
        },
        batch: (records) => this.batch(records),
        failed,
      },
    });
    this.commits = new Repeater(
      clock,
      commitInterval_ms,
      () => this.commit([...this.owned.values()]),
      (error) => {
        logger.warn({ group: 'entity', error: messageOf(error) }, 'not committed; the next commit covers it');
      },
    );
    this.stopMetrics = clock.every(metricsInterval_ms, () => {
      this.exportMetrics();
    });
  }

  /** Partitions that still rebuild their state. */
  get restoring(): readonly string[] {
    return [...this.owned.values()].filter((owned) => owned.isRestoring).map(({ at }) => partitionId(at));
  }

  /** It owns partitions, and every frame that is in them now is applied, online and committed. */
  async caughtUp(): Promise<boolean> {
    const owned = [...this.owned.values()];
    const ends = await this.consumer!.endOffsets(owned.map(({ at }) => at));
    await this.commit(owned);
    const reached = owned.every((partition, i) => partition.committed >= ends[i]! && !partition.task.hasDueTimers);
    return reached && owned.length > 0;
  }

  async stop(): Promise<void> {
    const closing = this.consumer?.close() ?? Promise.resolve();
    // A batch that waits for a store that is away would wait for ever: then its values are given up, uncommitted.
    await atMost(this.options.clock, stopBudget_ms, closing);
    await this.writer.stop();
    await closing;
    await this.commits?.stop();
    this.stopMetrics();
    await this.producer?.close();
  }

  private async assigned(partitions: readonly TopicPartition[]): Promise<readonly Offset[]> {
    const consumer = this.consumer!;
    const { logger, metrics } = this.options;
    const committed = await consumer.committed(partitions);
    const beginnings = await consumer.beginningOffsets(partitions);
    const starts = partitions.map((at, i) => {
      const start = beginnings[i]!;
      const owned = new OwnedEntityPartition(
        at,
        this.entities.get(at.topic)!,
        start,
        Math.max(start, committed[i]?.offset ?? 0),
        metrics,
      );
      this.owned.set(partitionId(at), owned);
      return { ...at, offset: start };
    });
    logger.info({ group: 'entity', partitions: partitions.map(partitionId) }, 'entity partitions assigned');
    this.countOwned();
    return starts;
  }

  private async revoked(partitions: readonly TopicPartition[]): Promise<void> {
    const leaving = partitions.flatMap((at) => this.owned.get(partitionId(at)) ?? []);
    try {
      await atMost(this.options.clock, revokeBudget_ms, this.commit(leaving));
    } catch (error) {
      this.options.logger.warn(
        { group: 'entity', error: messageOf(error) },
        'partitions leave without a last commit; their next owner repeats it',
      );
    } finally {
      this.release(partitions);
    }
  }

  private release(partitions: readonly TopicPartition[]): void {
    for (const at of partitions) {
      const owned = this.owned.get(partitionId(at));
      if (owned === undefined) continue;
      owned.released = true;
      owned.metrics.leave(this.options.clock.now_ms());
      this.owned.delete(partitionId(at));
    }
    this.options.logger.info(
      { group: 'entity', partitions: partitions.map(partitionId) },
      'entity partitions released',
    );
    this.countOwned();
  }

  private countOwned(): void {
    this.options.metrics.gauge('millrace_tasks_owned', { kind: 'entity' }).set(this.owned.size);
  }

  private exportMetrics(): void {
    const { metrics, clock } = this.options;
    for (const owned of this.owned.values()) owned.metrics.export(clock.now_ms());
    metrics.gauge('millrace_tasks_restoring', {}).set(this.restoring.length);
    metrics.gauge('millrace_online_pending_values', {}).set(this.writer.pending);
  }

  /** Frames wait while too many values wait: a batch may hold far more of them than the limit. */
  private batch(records: readonly LogRecord[]): Promise<void> | void {
    const touched = new Set<OwnedEntityPartition>();
    let taken = 0;
    while (taken < records.length && this.writer.pending <= pendingLimit) {
      const record = records[taken++]!;
      const owned = this.owned.get(partitionId(record));
      if (owned === undefined || record.offset < owned.next) continue;
      this.apply(owned, record);
      touched.add(owned);
    }
    for (const owned of touched) this.requestTick(owned);
    if (taken < records.length) {
      return this.writer.settle(pendingLimit / 2).then(() => this.batch(records.slice(taken)));
    }
  }

  private apply(owned: OwnedEntityPartition, record: LogRecord): void {
    try {
      const frame = decodeEntityFrame(record.value!, owned.entity);
      if (frame.kind === 'tick') owned.tickUnderWay = false;
      const emissions = owned.task.apply(frame, record.offset);
      if (record.offset >= owned.replayUntil && emissions.length > 0) this.writer.add(owned, emissions);
    } catch (error) {
      if (!(error instanceof MillraceError)) throw error;
      throw new MillraceError(error.code, `${partitionId(record)} at offset ${record.offset}: ${error.message}`, {
        cause: error,
      });
    }
    owned.next = record.offset + 1;
    if (owned.next === owned.replayUntil) {
      owned.metrics.restored();
      this.options.logger.info(
        { partition: partitionId(owned.at), keys: owned.task.size, position: owned.next },
        'state rebuilt',
      );
    }
  }

  /** Further due timers fire in further frames: the log itself says when, so that every replay does the same. */
  private requestTick(owned: OwnedEntityPartition): void {
    if (owned.tickUnderWay || owned.isRestoring || !owned.task.hasDueTimers) return;
    owned.tickUnderWay = true;
    this.producer!.append(owned.at.topic, owned.at.partition, null, encodeTickFrame());
  }

  /** Calls run one after another, while frames go on being applied. */
  private commit(partitions: readonly OwnedEntityPartition[]): Promise<void> {
    this.committing = this.committing.catch(() => undefined).then(() => this.commitNow(partitions));
    return this.committing;
  }

  private async commitNow(partitions: readonly OwnedEntityPartition[]): Promise<void> {
    const moved = partitions.filter((owned) => !owned.released && owned.next > owned.committed);
    if (moved.length === 0) return;
    const { application, metrics, clock } = this.options;
    const started_ms = clock.monotonic_ms();
    const positions = moved.map((owned) => owned.next);
    await this.writer.settle();
    moved.forEach((owned, i) => {
      if (owned.released) return;
      const { frames, rows } = owned.takeFeatureFrames(positions[i]!);
      const topic = featureLogTopic(application, owned.entity);
      for (const frame of frames) this.producer!.append(topic, owned.at.partition, null, frame);
      metrics.counter('millrace_feature_log_rows_total', { entity: owned.entity.name }).add(rows);
    });
    await this.producer!.flush();
    const kept = moved.flatMap((owned, i) =>
      owned.released ? [] : [{ owned, offset: { ...owned.at, offset: positions[i]! } }],
    );
    await this.consumer!.commit(kept.map(({ offset }) => offset));
    for (const { owned, offset } of kept) owned.committed = offset.offset;
    metrics.histogram('millrace_commit_seconds', {}).observe((clock.monotonic_ms() - started_ms) / 1000);
  }
}
