/**
 * Runs the entity tasks that a worker is assigned: restores their state, applies frames, brings values online at once, and commits. A
 * commit that fails, for whatever reason, sends its tasks back to what is committed: nothing external is to be undone.
 */
import type { EntityPlan } from '../define/plan.ts';
import { messageOf } from '../errors.ts';
import { encodeTickFrame } from '../frames/row-frame.ts';
import type { GroupConsumer, LogProducer, LogRecord, Start, TopicPartition } from '../log/log.ts';
import { noTracer } from '../observability/tracer.ts';
import type { OnlineStore } from '../online/online-store.ts';
import type { StateStore } from '../state/state-store.ts';
import { atMost } from '../time/clock.ts';
import { EntityCommitter } from './entity-committer.ts';
import { EntityTraces } from './entity-traces.ts';
import { FrameBacklog } from './frame-backlog.ts';
import { entityGroup } from './groups.ts';
import { OnlineRepair } from './online-repair.ts';
import { OnlineWriter } from './online-writer.ts';
import { OwnedEntityPartition } from './owned-entity-partition.ts';
import { partitionId } from '../log/partition-id.ts';
import { countRebalance } from './rebalance-metrics.ts';
import { Repeater } from './repeater.ts';
import type { RunnerOptions } from './runner-options.ts';
import type { RestoreProgress } from './restoring-task.ts';
import { SnapshotScheduler, type StateSnapshots } from './snapshot-scheduler.ts';
import { StateCache, stateCacheLimitsOf } from './state-cache.ts';
import { StateCopies, type CopyLimits } from './state-copies.ts';
import { StateLoader } from './state-loader.ts';
import { StateRestorer } from './state-restorer.ts';
import { progressOf, type TaskProgress } from './task-progress.ts';
import { TickScheduler } from './tick-scheduler.ts';
import { entityLogTopic } from './topics.ts';
import { uncommittedLimit } from './uncommitted-limit.ts';
import { frameOf, placed, type WaitingFrame } from './waiting-frame.ts';

/** Of values that may wait for the online store before frames are no longer read. */
const pendingLimit_bytes = 64 * 1024 * 1024;
const secondly_ms = 1000;
/** What a partition that is taken away may cost in time: then it goes without a last commit. */
const revokeBudget_ms = 5000;
/** What a clean end may cost in time before what is not acknowledged is given up. */
const stopBudget_ms = 8000;

export interface EntityRunnerOptions extends RunnerOptions {
  readonly online: OnlineStore;
  readonly state: StateStore;
  /** Null or absent: none are put and none are used. */
  readonly snapshots?: StateSnapshots | null;
  /** Absent: no copies of others' tasks are kept. */
  readonly copies?: CopyLimits;
}

export class EntityRunner {
  private readonly options: EntityRunnerOptions;
  private readonly entities = new Map<string, EntityPlan>();
  private readonly owned = new Map<string, OwnedEntityPartition>();
  private readonly writer: OnlineWriter;
  private readonly restorer: StateRestorer;
  private readonly repair: OnlineRepair;
  private readonly ticks: TickScheduler;
  private readonly backlog: FrameBacklog;
  private readonly traces: EntityTraces | null;
  private readonly loader: StateLoader;
  private readonly cache: StateCache;
  private readonly copies: StateCopies;
  private readonly snapshots: SnapshotScheduler | null = null;
  private committer: EntityCommitter | null = null;
  private commits: Repeater | null = null;
  private stopSecondly: () => void = () => undefined;
  private consumer: GroupConsumer | null = null;
  private producer: LogProducer | null = null;
  private stopped = false;

  constructor(options: EntityRunnerOptions) {
    this.options = options;
    const { online, state: store, ...rest } = options;
    this.traces = EntityTraces.of({ ...options, tracer: options.tracer ?? noTracer });
    this.writer = new OnlineWriter({
      ...rest,
      traces: this.traces,
      store: online,
      lost: (owner) => {
        for (const owned of this.owned.values()) if (owned === owner) void this.repair.start(owned);
      },
    });
    this.ticks = new TickScheduler(this.writer, ({ at }) => {
      this.producer!.append(at.topic, at.partition, null, encodeTickFrame());
    });
    const limits_bytes = stateCacheLimitsOf(options.stateCache_bytes);
    this.backlog = new FrameBacklog({
      writer: this.writer,
      limit_bytes: options.pendingValues_bytes ?? pendingLimit_bytes,
      uncommittedLimit: options.uncommitted_changes ?? uncommittedLimit(limits_bytes.fitting),
      commit: () => this.commit(),
      owned: () => this.owned.values(),
      prepare: (waiting) => this.loader.prepare(waiting),
      apply: (waiting) => {
        this.apply(waiting);
      },
      applied: (partitions) => {
        for (const owned of partitions) {
          owned.task?.residency.forgetLookups();
          this.ticks.request(owned);
        }
      },
      pause: (partitions) => {
        this.consumer!.pause(partitions);
      },
      resume: (partitions) => {
        this.consumer!.resume(partitions);
      },
      failed: options.failed,
    });
    this.loader = new StateLoader({ ...rest, store, frameOf: (waiting) => frameOf(waiting) });
    this.cache = new StateCache({ ...rest, store, limits_bytes, owned: () => this.owned.values() });
    this.restorer = new StateRestorer({
      ...rest,
      store,
      room_bytes: () => this.cache.room_bytes,
      snapshots: options.snapshots?.objects ?? null,
    });
    this.copies = this.createCopies();
    if (options.snapshots)
      this.snapshots = new SnapshotScheduler({
        ...rest,
        ...options.snapshots,
        store,
        owned: () => this.owned.values(),
      });
    this.repair = new OnlineRepair({ ...rest, store, writer: this.writer, committed: () => this.committer!.idle });
    for (const entity of options.plan.entities) this.entities.set(entityLogTopic(options.application, entity), entity);
  }

  private get group(): string {
    return entityGroup(this.options.application);
  }

  private createCopies(): StateCopies {
    const { options } = this;
    return new StateCopies({
      ...options,
      store: options.state,
      snapshots: options.snapshots?.objects ?? null,
      limits: options.copies ?? { warmUp_ms: 0, standbyInterval_ms: 0 },
      entities: options.plan.entities,
      group: this.group,
      isOwned: (at) => this.owned.has(partitionId(at)),
    });
  }

  /** Before {@link start}: others go on serving meanwhile. */
  warmUp(): Promise<void> {
    return this.copies.warmUp();
  }

  async start(): Promise<void> {
    const { log, failed, clock, commitInterval_ms } = this.options;
    const partitions = [...this.entities.values()].reduce((sum, entity) => sum + entity.partitions, 0);
    this.options.metrics.gauge('millrace_partitions', { kind: 'entity' }).set(partitions);
    this.producer = await log.producer({ name: 'entity', failed });
    const { holder } = this.options;
    const transactor = await log.transactor({
      name: this.group,
      ...(holder === undefined ? {} : { holder }),
      failed,
    });
    await this.restorer.start();
    this.consumer = await log.groupConsumer({
      group: this.group,
      topics: [...this.entities.keys()],
      handlers: {
        assigned: (partitions) => this.assigned(partitions),
        revoked: (partitions) => this.revoked(partitions),
        lost: (partitions) => {
          countRebalance(this.options.metrics, 'entity', 'lost');
          this.release(partitions);
        },
        batch: (records) => this.batch(records),
        failed,
      },
    });
    this.committer = new EntityCommitter({
      ...this.options,
      store: this.options.state,
      traces: this.traces,
      writer: this.writer,
      consumer: this.consumer,
      transactor,
      stored: () => {
        this.cache.trim();
      },
      rolledBack: (partitions) => {
        this.reopen(partitions);
      },
    });
    this.commits = new Repeater(
      clock,
      commitInterval_ms,
      () => this.commit(),
      () => undefined,
    );
    this.snapshots?.start();
    this.copies.startStandby();
    this.stopSecondly = clock.every(secondly_ms, () => {
      this.writer.beat([...this.owned.values()].filter(({ task }) => task !== null));
      this.exportMetrics();
    });
  }

  /** Partitions that still restore their state. */
  get restoring(): readonly string[] {
    return [...this.owned.values()].filter((owned) => owned.isRestoring).map(({ at }) => partitionId(at));
  }

  /** How far these are. */
  get restoreProgress(): readonly RestoreProgress[] {
    return [...this.copies.progress, ...this.restorer.progress];
  }

  /** Where its tasks stand, those that restore left out. */
  progress(): Promise<readonly TaskProgress[]> {
    const running = [...this.owned.values()].filter(({ task }) => task !== null);
    return progressOf('entity', this.consumer!, running, this.writer.isWaiting ? 'the online store' : null);
  }

  /** It owns partitions, and every frame that is in them now is applied, online and committed. */
  async caughtUp(): Promise<boolean> {
    const owned = [...this.owned.values()];
    const ends = await this.consumer!.endOffsets(owned.map(({ at }) => at));
    await this.committer!.commit(owned);
    const reached = owned.every(
      (partition, i) => partition.task?.hasDueTimers === false && partition.committed >= ends[i]!,
    );
    return reached && owned.length > 0;
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.loader.stop();
    await this.copies.stop();
    const closing = this.consumer?.close() ?? Promise.resolve();
    // A batch that waits for a store that is away would wait for ever: then its values are given up, uncommitted.
    await atMost(this.options.clock, stopBudget_ms, closing);
    await this.writer.stop();
    await closing;
    await this.commits?.stop();
    this.stopSecondly();
    await this.snapshots?.stop();
    await this.restorer.stop();
    await this.committer?.stop();
    await this.cache.stop();
    await this.producer?.close();
  }

  /** All that it has. When that fails the committer has said so, and told the tasks. */
  private commit(): Promise<void> {
    return this.committer!.commit([...this.owned.values()]).catch(() => undefined);
  }

  private assigned(partitions: readonly TopicPartition[]): Promise<readonly Start[]> {
    const { logger, application, clock, metrics } = this.options;
    countRebalance(metrics, 'entity', 'assigned');
    const opened = partitions.map((at) => {
      const entity = this.entities.get(at.topic)!;
      const owned = new OwnedEntityPartition(application, entity, at.partition, clock.now_ms());
      this.owned.set(partitionId(at), owned);
      return owned;
    });
    logger.info({ group: 'entity', partitions: partitions.map(partitionId) }, 'entity partitions assigned');
    this.countOwned();
    void this.open(opened);
    return this.startsOf(partitions);
  }

  /** They are read from where they stand, as soon as their state is there. */
  private async startsOf(partitions: readonly TopicPartition[]): Promise<readonly Start[]> {
    const committed = await this.consumer!.committed(partitions);
    const beginnings = await this.consumer!.beginningOffsets(partitions);
    return partitions.map((at, i) => ({ ...at, offset: committed[i]?.offset ?? beginnings[i]!, paused: true }));
  }

  private async open(partitions: readonly OwnedEntityPartition[]): Promise<void> {
    const consumer = this.consumer!;
    try {
      // A commit of an earlier life, of a worker that was frozen meanwhile, would put its old state over the restored one.
      await this.committer!.written;
      await this.copies.letGo(partitions.map(({ at }) => at));
      const restored = await this.restorer.restore(partitions, consumer);
      const isWanted = (owned: OwnedEntityPartition): boolean => !this.stopped && !owned.isReleased;
      const ats = [...restored.keys()].filter(isWanted).map(({ at }) => at);
      const beginnings = await consumer.beginningOffsets(ats);
      const beginningOf = new Map(ats.map((at, i) => [partitionId(at), beginnings[i]!]));
      const starts = new Map(
        [...restored]
          .filter(([owned]) => isWanted(owned))
          .map(([owned, found]) => {
            const position = found.position === -1 ? beginningOf.get(partitionId(owned.at))! : found.position;
            return [owned, { ...found, position }] as const;
          }),
      );
      // Before they run: what was read ahead in their earlier life must not be applied in this one, behind a hole.
      await consumer.seek([...starts].map(([{ at }, { position }]) => ({ ...at, offset: position })));
      const running = [...starts.keys()].filter(isWanted);
      for (const owned of running) owned.run(starts.get(owned)!, this.options.metrics);
      consumer.resume(running.map(({ at }) => at));
      for (const owned of running) this.backlog.begun(owned);
      for (const owned of running) this.ticks.request(owned);
    } catch (error) {
      if (!this.stopped && partitions.some((owned) => !owned.isReleased)) this.options.failed(error as Error);
    }
  }

  /** Back to what is committed: a later life of the same partitions. */
  private reopen(partitions: readonly OwnedEntityPartition[]): void {
    const { application, clock } = this.options;
    const still = partitions.filter((owned) => this.owned.get(partitionId(owned.at)) === owned);
    const anew = still.map((owned) => {
      this.letGo(owned);
      const next = new OwnedEntityPartition(application, owned.entity, owned.at.partition, clock.now_ms());
      this.owned.set(partitionId(owned.at), next);
      return next;
    });
    if (anew.length === 0 || this.stopped) return;
    this.consumer!.pause(anew.map(({ at }) => at));
    void this.open(anew);
  }

  private async revoked(partitions: readonly TopicPartition[]): Promise<void> {
    const leaving = partitions.flatMap((at) => this.owned.get(partitionId(at)) ?? []);
    countRebalance(this.options.metrics, 'entity', 'revoked');
    try {
      await atMost(this.options.clock, revokeBudget_ms, this.committer!.commit(leaving));
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
      if (owned !== undefined) this.letGo(owned);
      this.owned.delete(partitionId(at));
    }
    this.options.logger.info(
      { group: 'entity', partitions: partitions.map(partitionId) },
      'entity partitions released',
    );
    this.countOwned();
  }

  private letGo(owned: OwnedEntityPartition): void {
    owned.release(this.options.clock.now_ms());
    this.ticks.release(owned);
  }

  private countOwned(): void {
    this.options.metrics.gauge('millrace_tasks_owned', { kind: 'entity' }).set(this.owned.size);
  }

  private exportMetrics(): void {
    const { metrics, clock } = this.options;
    for (const owned of this.owned.values()) owned.exportMetrics(clock.now_ms());
    metrics.gauge('millrace_tasks_restoring', {}).set(this.restoring.length);
    metrics.gauge('millrace_uncommitted_changes', {}).set(this.backlog.uncommitted);
    metrics.gauge('millrace_online_pending_values', {}).set(this.writer.pending);
    metrics.gauge('millrace_state_cache_bytes', {}).set(this.cache.resident_bytes);
    metrics.gauge('millrace_online_pending_bytes', {}).set(this.writer.pending_bytes);
  }

  private batch(records: readonly LogRecord[]): Promise<void> | void {
    this.traces?.read(records);
    const frames: WaitingFrame[] = [];
    for (const record of records) {
      const owned = this.owned.get(partitionId(record));
      if (owned !== undefined && owned.task !== null) frames.push({ owned, record });
    }
    return this.backlog.take(frames);
  }

  private apply(waiting: WaitingFrame): void {
    const { owned, record } = waiting;
    if (this.owned.get(partitionId(record)) !== owned || owned.task === null || record.offset < owned.next) return;
    const { task } = owned;
    const frame = frameOf(waiting);
    if (frame.kind === 'tick') this.ticks.arrived(owned);
    const traced = this.traces?.begin(owned, task, frame, record) ?? null;
    const emissions = placed(record, () => task.apply(frame, record.offset));
    if (traced !== null) this.traces!.applied(traced, emissions);
    if (emissions.length > 0) this.writer.add(owned, emissions);
    owned.next = record.offset + 1;
    owned.reached_ms = record.timestamp_ms;
  }
}
