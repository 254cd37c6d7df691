/**
 * Runs the ingest tasks that a worker is assigned: reads source topics, appends frames to entity logs, commits source offsets once
 * the frames are acknowledged.
 */
import type { TablePlan } from '../define/plan.ts';
import { FatalError, MillraceError, RecordError, SourceStoppedError, messageOf } from '../errors.ts';
import { formatHighWater, noHighWater, parseHighWater, type HighWater } from '../ingest/high-water.ts';
import { routesOf, type EntityRoute } from '../ingest/router.ts';
import { MemoryStage, StagingBudget } from '../ingest/snapshot-stage.ts';
import { continues, readerName, readersOf } from '../ingest/source-identity.ts';
import { SourcePartition } from '../ingest/source-partition.ts';
import type { GroupConsumer, LogProducer, LogRecord, Offset, TopicPartition } from '../log/log.ts';
import { noTracer } from '../observability/tracer.ts';
import { appendDeadLetter } from './dead-letters.ts';
import { ingestGroup } from './groups.ts';
import { HeartbeatReader } from './heartbeat-reader.ts';
import { IngestTraces } from './ingest-traces.ts';
import { OwnedSource, type RecordOutcome } from './owned-source.ts';
import { partitionId } from '../log/partition-id.ts';
import { countRebalance } from './rebalance-metrics.ts';
import { Repeater } from './repeater.ts';
import type { RunnerOptions } from './runner-options.ts';
import { SourceClock } from './source-clock.ts';
import { naming, SourceTopics } from './source-topics.ts';
import { progressOf, type TaskProgress } from './task-progress.ts';
import { deadLetterTopic, entityLogTopic } from './topics.ts';

/** Unacknowledged frames that an ingest may have under way before it stops reading. */
const pendingLimit_bytes = 32 * 1024 * 1024;
const defaultSnapshot_bytes = 256 * 1024 * 1024;

export class IngestRunner {
  private readonly options: RunnerOptions;
  private readonly tables = new Map<string, TablePlan>();
  private readonly routes = new Map<string, EntityRoute[]>();
  private readonly owned = new Map<string, OwnedSource>();
  private readonly heartbeats: HeartbeatReader;
  private commits: Repeater | null = null;
  private sourceClock: SourceClock | null = null;
  private readonly topics: SourceTopics;
  private readonly budget: StagingBudget;
  private readonly traces: IngestTraces | null;
  private consumer: GroupConsumer | null = null;
  private producer: LogProducer | null = null;
  private committing: Promise<void> = Promise.resolve();
  /** A record ended it: what is behind that was delivered, but not taken. */
  private isStopped = false;

  constructor(options: RunnerOptions) {
    this.options = options;
    for (const table of options.plan.entities.flatMap((entity) => entity.tables)) {
      this.tables.set(table.topic, table);
      this.routes.set(table.topic, routesOf(options.plan.entities, table.topic));
    }
    this.traces = IngestTraces.of({ ...options, tracer: options.tracer ?? noTracer });
    this.topics = new SourceTopics(options, [...this.tables.values()]);
    this.budget = new StagingBudget(options.snapshot_bytes ?? defaultSnapshot_bytes);
    const heartbeatTopics = [...new Set([...this.tables.values()].map((table) => table.heartbeatTopic))];
    this.heartbeats = new HeartbeatReader(options.log, options.clock, options.logger, heartbeatTopics);
  }

  /** @throws FatalError `topic-missing` when a source topic does not exist. */
  async start(): Promise<void> {
    const { log, application, failed, clock, commitInterval_ms } = this.options;
    await this.topics.start();
    const partitions = [...this.tables.keys()].reduce((sum, topic) => sum + this.topics.info(topic).partitions, 0);
    this.options.metrics.gauge('millrace_partitions', { kind: 'ingest' }).set(partitions);
    this.producer = await log.producer({ name: 'ingest', failed });
    await this.heartbeats.start();
    this.consumer = await log.groupConsumer({
      group: ingestGroup(application),
      topics: [...this.tables.keys()],
      handlers: {
        assigned: (partitions) =>
          this.assigned(partitions).catch((error: unknown) => {
            failed(error as Error);
            return [];
          }),
        revoked: (partitions) => this.revoked(partitions),
        lost: (partitions) => {
          countRebalance(this.options.metrics, 'ingest', 'lost');
          this.release(partitions);
        },
        batch: (records) => this.batch(records),
        failed,
      },
    });
    this.commits = new Repeater(clock, commitInterval_ms, () => this.commit(this.sources()), this.commitFailed);
    this.sourceClock = new SourceClock({
      ...this.options,
      consumer: this.consumer,
      producer: this.producer,
      heartbeats: this.heartbeats,
      owned: () => this.sources(),
      routesOf: (topic) => this.routes.get(topic)!,
      endSnapshots: (sources, heartbeats) => this.endSnapshots(sources, heartbeats),
    });
  }

  /** Where its tasks stand. */
  progress(): Promise<readonly TaskProgress[]> {
    const isFull = this.producer!.pending_bytes > pendingLimit_bytes;
    return progressOf('ingest', this.consumer!, this.sources(), isFull ? 'the entity log takes no more frames' : null);
  }

  /** Per topic, the time of the newest heartbeat of its connector, milliseconds. */
  heartbeats_ms(): ReadonlyMap<string, number> {
    return this.heartbeats.newest();
  }

  /** It owns partitions, every record that is in them now has been handled, and its frames are acknowledged. */
  async caughtUp(): Promise<boolean> {
    const owned = this.sources();
    const ends = await this.consumer!.endOffsets(owned.map(({ at }) => at));
    const reached = owned.every(
      ({ at, source }, i) => (this.consumer!.position(at) ?? 0) >= ends[i]! && source.staged === 0,
    );
    await this.producer!.flush();
    return reached && owned.length > 0;
  }

  private sources(): OwnedSource[] {
    return [...this.owned.values()];
  }

  async stop(): Promise<void> {
    await this.topics.stop();
    await this.sourceClock?.stop();
    await this.commits?.stop();
    await this.consumer?.close();
    await this.heartbeats.stop();
    await this.producer?.close();
  }

  private async assigned(partitions: readonly TopicPartition[]): Promise<readonly Offset[]> {
    const consumer = this.consumer!;
    countRebalance(this.options.metrics, 'ingest', 'assigned');
    const committed = await consumer.committed(partitions);
    const beginnings = await consumer.beginningOffsets(partitions);
    await this.topics.check();
    const opened = partitions.map((at, i) => this.open(at, committed[i] ?? null, beginnings[i]!));
    // The session is claimed before its first frame: a zombie's frames then carry a lower one.
    await this.commit(opened);
    for (const source of opened) this.owned.set(partitionId(source.at), source);
    this.options.logger.info(
      { group: 'ingest', partitions: partitions.map(partitionId) },
      'source partitions assigned',
    );
    this.countOwned();
    return opened.map(({ at, next }) => ({ ...at, offset: next }));
  }

  private open(at: TopicPartition, committed: Offset | null, beginning: number): OwnedSource {
    const { clock, metrics } = this.options;
    const info = this.topics.info(at.topic);
    const table = this.tables.get(at.topic)!;
    const routes = this.routes.get(at.topic)!;
    const identity = { topicId: info.id, partitionCount: info.partitions };
    const metadata = committed?.metadata ?? '';
    let restored: HighWater | null = metadata === '' ? null : naming(at.topic, () => parseHighWater(metadata));
    let next = committed?.offset ?? beginning;
    if (restored !== null) {
      const { session } = restored;
      const goesOn = naming(at.topic, () => continues(restored!, { ...identity, readers: readersOf(routes) }));
      // Sessions only ever rise: the entities that go on with their generation would take a lower one for a zombie's.
      if (!goesOn) [restored, next] = [{ ...noHighWater, session }, beginning];
    }
    const types = table.columns.map(({ type }) => type);
    const stage = new MemoryStage(types, this.budget);
    const source = new SourcePartition({ ...identity, table, partition: at.partition, routes, restored, stage });
    return new OwnedSource(at, source, next, clock.now_ms(), metrics);
  }

  private async revoked(partitions: readonly TopicPartition[]): Promise<void> {
    const leaving = partitions.flatMap((at) => this.owned.get(partitionId(at)) ?? []);
    countRebalance(this.options.metrics, 'ingest', 'revoked');
    try {
      await this.commit(leaving);
    } catch (error) {
      this.commitFailed(error);
    } finally {
      this.release(partitions);
    }
  }

  private release(partitions: readonly TopicPartition[]): void {
    for (const at of partitions) {
      this.owned.get(partitionId(at))?.close();
      this.owned.delete(partitionId(at));
    }
    this.options.logger.info(
      { group: 'ingest', partitions: partitions.map(partitionId) },
      'source partitions released',
    );
    this.countOwned();
  }

  private countOwned(): void {
    const { metrics } = this.options;
    metrics.gauge('millrace_tasks_owned', { kind: 'ingest' }).set(this.owned.size);
    metrics.gauge('millrace_snapshot_held_bytes', {}).set(this.budget.used_bytes);
  }

  private batch(records: readonly LogRecord[]): Promise<void> | void {
    const now_ms = this.options.clock.now_ms();
    const touched = new Set<OwnedSource>();
    try {
      for (const record of records) {
        const owned = this.owned.get(partitionId(record));
        if (owned === undefined || record.offset < owned.next) continue;
        touched.add(owned);
        this.traces?.read(owned, record);
        owned.count(this.accept(owned, record, now_ms));
        owned.next = record.offset + 1;
        owned.reached_ms = record.timestamp_ms;
      }
    } catch (error) {
      this.isStopped = true;
      throw error;
    } finally {
      // Also when a record stops the source: what was accepted before it will be committed, so it must be in the log.
      for (const owned of touched) {
        owned.lastRecord_ms = now_ms;
        this.handOver(owned);
      }
    }
    if (this.producer!.pending_bytes > pendingLimit_bytes) return this.producer!.flush();
  }

  private accept(owned: OwnedSource, record: LogRecord, now_ms: number): RecordOutcome {
    try {
      return owned.source.accept(record.offset, record.value, now_ms, record.timestamp_ms);
    } catch (error) {
      if (!(error instanceof RecordError)) throw stopped(record, error);
      const placed = new RecordError(error.code, `${placeOf(record)}: ${error.message}`, { cause: error });
      if (owned.source.table.onError === 'fail') throw placed;
      return this.refuse(owned.source.table, record, placed);
    }
  }

  private refuse({ onError }: TablePlan, record: LogRecord, error: RecordError): RecordOutcome {
    const { metrics, logger, application } = this.options;
    if (onError === 'dead-letter') {
      const readers = this.routes.get(record.topic)!.map(({ entity }) => readerName(entity));
      appendDeadLetter(this.producer!, deadLetterTopic(application), { record, error, readers });
    }
    metrics.counter('millrace_dead_letters_total', { topic: record.topic, reason: error.code }).add(1);
    logger.warn({ code: error.code, policy: onError }, error.message);
    return onError === 'skip' ? 'skipped' : 'dead_lettered';
  }

  /** What its ingest made goes to the entity logs and the metrics. */
  private handOver(owned: OwnedSource): void {
    const { metrics, application } = this.options;
    owned.exportCounts();
    metrics.gauge('millrace_snapshot_held_bytes', {}).set(this.budget.used_bytes);
    const frames = owned.source.takeFrames();
    for (const { entity, partition, bytes, rows } of frames) {
      this.producer!.append(entityLogTopic(application, entity), partition, null, bytes);
      metrics.counter('millrace_frames_total', { entity: entity.name }).add(1);
      metrics.counter('millrace_frame_rows_total', { entity: entity.name }).add(rows.length);
    }
    this.traces?.framed(owned, frames, this.producer!);
  }

  /** @param heartbeats per topic, the newest that came before all the sources were found to be caught up. */
  private async endSnapshots(sources: readonly OwnedSource[], heartbeats: ReadonlyMap<string, number>): Promise<void> {
    if (this.isStopped) return;
    const ended = sources.filter(({ source }) => source.heartbeat(heartbeats.get(source.table.heartbeatTopic) ?? null));
    if (ended.length === 0) return;
    try {
      await this.commit(ended);
    } catch (error) {
      this.commitFailed(error);
      return;
    }
    for (const owned of ended) {
      if (this.owned.get(partitionId(owned.at)) !== owned) continue;
      owned.source.release(this.options.clock.now_ms());
      this.handOver(owned);
    }
  }

  /** Commits what is acknowledged. Calls run one after another. */
  private commit(sources: readonly OwnedSource[]): Promise<void> {
    this.committing = this.committing.catch(() => undefined).then(() => this.commitNow(sources));
    return this.committing;
  }

  private async commitNow(sources: readonly OwnedSource[]): Promise<void> {
    const moved = sources.flatMap((owned) => {
      const offset = { offset: owned.source.resumeAt ?? owned.next, metadata: formatHighWater(owned.source.highWater) };
      const text = `${offset.offset};${offset.metadata}`;
      return owned.committed === text ? [] : [{ owned, text, offset: { ...owned.at, ...offset } }];
    });
    if (moved.length === 0) return;
    await this.producer!.flush();
    // One that left meanwhile may be back in a new life, with a newer session: an old one must not be committed over it.
    const kept = moved.filter(({ owned }) => !owned.isReleased);
    if (kept.length === 0) return;
    await this.consumer!.commit(kept.map(({ offset }) => offset));
    for (const { owned, text } of kept) owned.committed = text;
    this.options.metrics.counter('millrace_commits_total', { kind: 'ingest', result: 'committed' }).add(1);
  }

  private readonly commitFailed = (error: unknown): void => {
    this.options.metrics.counter('millrace_commits_total', { kind: 'ingest', result: 'failed' }).add(1);
    if (error instanceof SourceStoppedError || error instanceof FatalError) this.options.failed(error);
    else
      this.options.logger.warn(
        { group: 'ingest', error: messageOf(error) },
        'source offsets were not committed; the next commit covers them',
      );
  };
}

const placeOf = (record: LogRecord): string =>
  `topic ${record.topic}, partition ${record.partition}, offset ${record.offset}`;

function stopped(record: LogRecord, error: unknown): Error {
  if (!(error instanceof MillraceError)) return error as Error;
  return new SourceStoppedError(error.code, `${placeOf(record)}: ${error.message}`, { cause: error });
}
