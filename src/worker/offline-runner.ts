/** Runs the offline tasks that a worker is assigned: reads feature logs, puts Parquet files, commits behind them. */
import type { EntityPlan, ViewPlan } from '../define/plan.ts';
import { RetriableError, messageOf } from '../errors.ts';
import type { GroupConsumer, LogRecord, Offset, TopicPartition } from '../log/log.ts';
import type { ObjectStore } from '../offline/object-store.ts';
import { newestObjects, objectPrefix, OfflineTask, type CutFile, type FlushLimits } from '../offline/offline-task.ts';
import { createInlineEncoder, type ParquetEncoder } from '../offline/parquet-encoder.ts';
import { readRange } from '../offline/parquet.ts';
import { atMost, sleep } from '../time/clock.ts';
import { offlineGroup } from './groups.ts';
import type { RunnerOptions } from './runner-options.ts';
import { partitionId } from '../log/partition-id.ts';
import { ArrivingPartitions } from './arriving-partitions.ts';
import { countRebalance } from './rebalance-metrics.ts';
import { Repeater } from './repeater.ts';
import { progressOf, type TaskProgress } from './task-progress.ts';
import { featureLogTopic } from './topics.ts';

/** Records that may be held while the store is away; then reading pauses. */
const heldLimit_bytes = 128 * 1024 * 1024;
const firstBackoff_ms = 50;
const longestBackoff_ms = 5000;
/** What a clean end may cost in time. */
const stopBudget_ms = 10_000;

export interface OfflineRunnerOptions extends RunnerOptions {
  readonly objects: ObjectStore;
  readonly flush: FlushLimits;
  /** Makes the files. Absent: here, while everything else waits. */
  readonly encoder?: ParquetEncoder;
}

/** A feature-log partition that this worker owns. */
interface OwnedOffline {
  readonly at: TopicPartition;
  readonly task: OfflineTask;
  /** Per view, the puts that are under way, one after another. */
  readonly puts: Map<ViewPlan, Promise<void>>;
  committed: number;
  released: boolean;
  /** Timestamp of the newest record that was taken; before the first, when the partition was assigned. */
  reached_ms: number;
}

export class OfflineRunner {
  private readonly options: OfflineRunnerOptions;
  private readonly entities = new Map<string, EntityPlan>();
  private readonly owned = new Map<string, OwnedOffline>();
  private readonly arriving = new ArrivingPartitions();
  private readonly encoder: ParquetEncoder;
  private consumer: GroupConsumer | null = null;
  private repeater: Repeater | null = null;
  private paused = false;
  /** The last call of the object store failed. */
  private isWaiting = false;
  private stopped = false;

  constructor(options: OfflineRunnerOptions) {
    this.options = options;
    this.encoder = options.encoder ?? createInlineEncoder();
    for (const entity of options.plan.entities) this.entities.set(featureLogTopic(options.application, entity), entity);
  }

  /** @throws FatalError `object-store-unfit` when the store has no conditional create. */
  async start(): Promise<void> {
    const { log, application, failed, clock, objects, flush, logger } = this.options;
    await objects.probe();
    const partitions = [...this.entities.values()].reduce((sum, entity) => sum + entity.partitions, 0);
    this.options.metrics.gauge('millrace_partitions', { kind: 'offline' }).set(partitions);
    this.consumer = await log.groupConsumer({
      group: offlineGroup(application),
      topics: [...this.entities.keys()],
      handlers: {
        assigned: (partitions) => this.assigned(partitions),
        revoked: async (partitions) => {
          countRebalance(this.options.metrics, 'offline', 'revoked');
          await this.commit(this.ownedOf(partitions)).catch(this.notCommitted);
          this.release(partitions);
        },
        lost: (partitions) => {
          countRebalance(this.options.metrics, 'offline', 'lost');
          this.release(partitions);
        },
        batch: (records) => {
          this.batch(records);
        },
        failed,
      },
    });
    this.repeater = new Repeater(clock, Math.min(1000, flush.age_ms), () => this.tend(), this.notCommitted);
    logger.info({ topics: [...this.entities.keys()] }, 'offline tasks started');
  }

  /** Where its tasks stand. */
  progress(): Promise<readonly TaskProgress[]> {
    const waits = this.paused || this.isWaiting;
    return progressOf('offline', this.consumer!, [...this.owned.values()], waits ? 'the object store' : null);
  }

  /** Puts everything that is in the feature logs now, and commits it. */
  async flush(): Promise<void> {
    const owned = [...this.owned.values()];
    const ends = await this.consumer!.endOffsets(owned.map(({ at }) => at));
    const isBehind = (): boolean =>
      owned.some(({ at, released }, i) => !released && (this.consumer!.position(at) ?? 0) < ends[i]!);
    while (isBehind()) await sleep(this.options.clock, 5);
    await this.putAll(owned);
  }

  async stop(): Promise<void> {
    await this.repeater?.stop();
    const { clock, logger } = this.options;
    await atMost(clock, stopBudget_ms, this.putAll([...this.owned.values()]).catch(this.notCommitted));
    this.stopped = true;
    const left = [...this.owned.values()].filter(({ task }) => task.held_bytes > 0).length;
    if (left > 0) logger.warn({ partitions: left }, 'files were not all put; the next owner puts them');
    await this.consumer?.close();
  }

  private ownedOf(partitions: readonly TopicPartition[]): OwnedOffline[] {
    return partitions.flatMap((at) => this.owned.get(partitionId(at)) ?? []);
  }

  private async assigned(partitions: readonly TopicPartition[]): Promise<readonly Offset[]> {
    countRebalance(this.options.metrics, 'offline', 'assigned');
    const isStill = this.arriving.arrive(partitions);
    const committed = await this.consumer!.committed(partitions);
    const beginnings = await this.consumer!.beginningOffsets(partitions);
    const newest = await this.newestOf(partitions);
    return Promise.all(
      partitions.map(async (at, i) => {
        const entity = this.entities.get(at.topic)!;
        const start = committed[i]?.offset ?? beginnings[i]!;
        const task = new OfflineTask(
          entity,
          at.partition,
          this.options.flush,
          start,
          await this.storedOf(entity, at.partition, newest),
        );
        // Reading the object store may take as long as it is away.
        if (!isStill(at)) return { ...at, offset: start };
        this.owned.set(partitionId(at), {
          at,
          task,
          puts: new Map(),
          committed: committed[i]?.offset ?? -1,
          released: false,
          reached_ms: this.options.clock.now_ms(),
        });
        this.countOwned();
        return { ...at, offset: start };
      }),
    );
  }

  /** The newest object of each partition, per view. One listing per view, not per partition. */
  private async newestOf(partitions: readonly TopicPartition[]): Promise<Map<ViewPlan, ReadonlyMap<number, string>>> {
    const newest = new Map<ViewPlan, ReadonlyMap<number, string>>();
    for (const topic of new Set(partitions.map((at) => at.topic))) {
      const entity = this.entities.get(topic)!;
      for (const view of entity.views) {
        const names = await this.retrying(() => this.options.objects.list(objectPrefix(view, entity.generation)));
        newest.set(view, newestObjects(names));
      }
    }
    return newest;
  }

  private async storedOf(
    entity: EntityPlan,
    partition: number,
    newest: ReadonlyMap<ViewPlan, ReadonlyMap<number, string>>,
  ): Promise<Map<string, number>> {
    const stored = new Map<string, number>();
    for (const view of entity.views) {
      const name = newest.get(view)?.get(partition);
      if (name !== undefined) stored.set(view.name, await this.lastOffsetOf(name));
    }
    return stored;
  }

  private async lastOffsetOf(name: string): Promise<number> {
    const bytes = await this.retrying(() => this.options.objects.read(name));
    return bytes === null ? -1 : readRange(name, bytes).last;
  }

  private release(partitions: readonly TopicPartition[]): void {
    this.arriving.lose(partitions);
    for (const owned of this.ownedOf(partitions)) {
      owned.released = true;
      this.owned.delete(partitionId(owned.at));
    }
    this.countOwned();
  }

  private countOwned(): void {
    this.options.metrics.gauge('millrace_tasks_owned', { kind: 'offline' }).set(this.owned.size);
  }

  private batch(records: readonly LogRecord[]): void {
    const now_ms = this.options.clock.now_ms();
    const touched = new Set<OwnedOffline>();
    for (const record of records) {
      const owned = this.owned.get(partitionId(record));
      if (owned === undefined) continue;
      owned.task.accept(record.offset, record.value!, now_ms);
      owned.reached_ms = record.timestamp_ms;
      touched.add(owned);
    }
    for (const owned of touched) this.put(owned);
    this.bound();
  }

  /** Reading pauses while too much is held, and resumes at half of it. */
  private bound(): void {
    const owned = [...this.owned.values()];
    const held_bytes = owned.reduce((sum, { task }) => sum + task.held_bytes, 0);
    this.options.metrics.gauge('millrace_offline_held_bytes', {}).set(held_bytes);
    const partitions = owned.map(({ at }) => at);
    if (!this.paused && held_bytes > heldLimit_bytes) {
      this.paused = true;
      for (const { task } of owned) task.cutAll();
      for (const each of owned) this.put(each);
      this.consumer!.pause(partitions);
    } else if (this.paused && held_bytes < heldLimit_bytes / 2) {
      this.paused = false;
      this.consumer!.resume(partitions);
    }
  }

  private async tend(): Promise<void> {
    const now_ms = this.options.clock.now_ms();
    for (const owned of this.owned.values()) {
      owned.task.cutAged(now_ms);
      this.put(owned);
    }
    this.bound();
    await this.commit([...this.owned.values()]);
  }

  private async putAll(owned: readonly OwnedOffline[]): Promise<void> {
    for (const each of owned) {
      each.task.cutAll();
      this.put(each);
    }
    await Promise.all(owned.flatMap(({ puts }) => [...puts.values()]));
    await this.commit(owned);
  }

  private async commit(owned: readonly OwnedOffline[]): Promise<void> {
    const moved = owned.filter(({ task, committed, released }) => !released && task.done > committed);
    if (moved.length === 0) return;
    const offsets = moved.map(({ at, task }) => ({ ...at, offset: task.done }));
    await this.consumer!.commit(offsets);
    moved.forEach((each, i) => (each.committed = offsets[i]!.offset));
    this.options.metrics.counter('millrace_commits_total', { kind: 'offline', result: 'committed' }).add(1);
  }

  private readonly notCommitted = (error: unknown): void => {
    this.options.metrics.counter('millrace_commits_total', { kind: 'offline', result: 'failed' }).add(1);
    this.options.logger.warn(
      { group: 'offline', error: messageOf(error) },
      'offsets were not committed; the next commit covers them',
    );
  };

  /** Starts the puts that wait, one at a time per view. */
  private put(owned: OwnedOffline): void {
    for (const view of owned.task.entity.views) {
      if (owned.puts.has(view) || owned.task.nextPut(view) === null) continue;
      const running = this.putView(owned, view)
        .catch((error: unknown) => {
          if (!this.stopped) this.options.failed(error as Error);
        })
        .finally(() => owned.puts.delete(view));
      owned.puts.set(view, running);
    }
  }

  private async putView(owned: OwnedOffline, view: ViewPlan): Promise<void> {
    for (let file = owned.task.nextPut(view); file !== null && !owned.released; file = owned.task.nextPut(view)) {
      await this.putFile(owned, file);
    }
  }

  private async putFile({ task }: OwnedOffline, file: CutFile): Promise<void> {
    const { objects, clock, metrics, logger } = this.options;
    const body = await this.encoder.encode(task.contentOf(file));
    const started_ms = clock.monotonic_ms();
    const view = file.view.name;
    const outcome = await this.retrying(() => objects.create(file.name, body), view);
    metrics.histogram('millrace_offline_put_seconds', {}).observe((clock.monotonic_ms() - started_ms) / 1000);
    if (outcome === 'exists') {
      // Another owner, or this one with an answer that was lost: go on behind what is there.
      const last = await this.lastOffsetOf(file.name);
      logger.info({ name: file.name, last }, 'the file was there; going on behind its end');
      task.stored(file, last);
      return;
    }
    task.stored(file, file.records.at(-1)!.offset);
    metrics.counter('millrace_offline_files_total', { view }).add(1);
    metrics.counter('millrace_offline_rows_total', { view }).add(file.rows);
    metrics.counter('millrace_offline_bytes_total', { view }).add(body.length);
  }

  /** The same call until the store answers: nothing else depends on it but reading further. */
  private async retrying<T>(call: () => Promise<T>, view?: string): Promise<T> {
    const { clock, logger, metrics } = this.options;
    for (let backoff_ms = firstBackoff_ms; ; backoff_ms = Math.min(backoff_ms * 2, longestBackoff_ms)) {
      try {
        const result = await call();
        this.isWaiting = false;
        return result;
      } catch (error) {
        if (!(error instanceof RetriableError) || this.stopped) throw error;
        if (view !== undefined) metrics.counter('millrace_offline_put_failures_total', { view }).add(1);
        logger.warn({ backoff_ms, error: messageOf(error) }, 'the object store does not answer; trying again');
        this.isWaiting = true;
        await sleep(clock, backoff_ms);
      }
    }
  }
}
