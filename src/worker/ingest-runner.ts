/**
 * Runs the ingest tasks that a worker is assigned: reads source topics, appends frames to entity logs, commits source offsets once
 * the frames are acknowledged, and keeps time going while sources are quiet.
 */
import type { EntityPlan, Plan, TablePlan } from '../define/plan.ts';
import { FatalError, MillraceError, RecordError, SourceStoppedError, messageOf } from '../errors.ts';
import { encodeMarksFrame } from '../frames/row-frame.ts';
import { formatHighWater, parseHighWater } from '../ingest/high-water.ts';
import { routesOf, type EntityRoute } from '../ingest/router.ts';
import { SourcePartition } from '../ingest/source-partition.ts';
import type { GroupConsumer, Log, LogProducer, LogRecord, Offset, TopicInfo, TopicPartition } from '../log/log.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { Clock } from '../time/clock.ts';
import { appendDeadLetter } from './dead-letters.ts';
import { HeartbeatReader } from './heartbeat-reader.ts';
import { partitionId } from './partition-id.ts';
import { Repeater } from './repeater.ts';
import { deadLetterTopic, entityLogTopic } from './topics.ts';

/** Unacknowledged frames that an ingest may have under way before it stops reading. */
const pendingLimit_bytes = 32 * 1024 * 1024;
const marksInterval_ms = 1000;

export interface RunnerOptions {
  readonly plan: Plan;
  readonly application: string;
  readonly commitInterval_ms: number;
  readonly log: Log;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** The runner cannot go on; the worker ends. */
  readonly failed: (error: Error) => void;
}

/** A source partition that this worker owns. */
interface OwnedSource {
  readonly at: TopicPartition;
  readonly source: SourcePartition;
  /** The next source offset to be handled. */
  next: number;
  committed: number;
  lastRecord_ms: number;
  caughtUp: boolean;
}

export class IngestRunner {
  private readonly options: RunnerOptions;
  private readonly tables = new Map<string, TablePlan>();
  private readonly routes = new Map<string, EntityRoute[]>();
  private readonly owned = new Map<string, OwnedSource>();
  private readonly heartbeats: HeartbeatReader;
  private readonly repeaters: Repeater[] = [];
  private topics: ReadonlyMap<string, TopicInfo> = new Map();
  private consumer: GroupConsumer | null = null;
  private producer: LogProducer | null = null;
  private committing: Promise<void> = Promise.resolve();

  constructor(options: RunnerOptions) {
    this.options = options;
    for (const table of options.plan.entities.flatMap((entity) => entity.tables)) {
      this.tables.set(table.topic, table);
      this.routes.set(table.topic, routesOf(options.plan.entities, table.topic));
    }
    const heartbeatTopics = [...new Set([...this.tables.values()].map((table) => table.heartbeatTopic))];
    this.heartbeats = new HeartbeatReader(options.log, options.clock, options.logger, heartbeatTopics);
  }

  /** @throws FatalError `topic-missing` when a source topic does not exist. */
  async start(): Promise<void> {
    const { log, application, failed, clock, commitInterval_ms } = this.options;
    this.topics = await log.describeTopics([...this.tables.keys()]);
    const missing = [...this.tables.values()].filter(({ topic }) => !this.topics.has(topic));
    if (missing.length > 0) throw topicsMissing(missing);
    this.producer = await log.producer({ name: 'ingest', failed });
    await this.heartbeats.start();
    this.consumer = await log.groupConsumer({
      group: `${application}.ingest`,
      topics: [...this.tables.keys()],
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
    const idle_ms =
      Math.min(1000, ...[...this.tables.values()].map((table) => (table.time?.idleTimeout_us ?? 1_000_000) / 1000)) / 2;
    this.repeaters.push(
      new Repeater(clock, commitInterval_ms, () => this.commit([...this.owned.values()]), this.commitFailed),
      new Repeater(clock, idle_ms, () => this.checkIdle(), this.checkFailed),
      new Repeater(
        clock,
        marksInterval_ms,
        () => {
          this.sendMarks();
          return Promise.resolve();
        },
        this.checkFailed,
      ),
    );
  }

  /** Every record of the sources that is there now has been handled and its frames are acknowledged. */
  async caughtUp(): Promise<boolean> {
    const owned = [...this.owned.values()];
    const ends = await this.consumer!.endOffsets(owned.map(({ at }) => at));
    const reached = owned.every(({ at }, i) => (this.consumer!.position(at) ?? 0) >= ends[i]!);
    await this.producer!.flush();
    return reached;
  }

  get partitions(): number {
    return this.owned.size;
  }

  async stop(): Promise<void> {
    for (const repeater of this.repeaters.splice(0)) await repeater.stop();
    await this.consumer?.close();
    await this.heartbeats.stop();
    await this.producer?.close();
  }

  private async assigned(partitions: readonly TopicPartition[]): Promise<readonly Offset[]> {
    const consumer = this.consumer!;
    const committed = await consumer.committed(partitions);
    const beginnings = await consumer.beginningOffsets(partitions);
    const now_ms = this.options.clock.now_ms();
    const opened = partitions.map((at, i): OwnedSource => {
      const info = this.topics.get(at.topic)!;
      const metadata = committed[i]?.metadata ?? '';
      const source = new SourcePartition({
        table: this.tables.get(at.topic)!,
        topicId: info.id,
        partition: at.partition,
        partitionCount: info.partitions,
        routes: this.routes.get(at.topic)!,
        restored: metadata === '' ? null : parseHighWater(metadata),
      });
      const next = committed[i]?.offset ?? beginnings[i]!;
      return { at, source, next, committed: -1, lastRecord_ms: now_ms, caughtUp: false };
    });
    // The session is claimed before its first frame: a zombie's frames then carry a lower one.
    await this.commit(opened);
    for (const source of opened) this.owned.set(partitionId(source.at), source);
    this.options.logger.info(
      { group: 'ingest', partitions: opened.map(({ at }) => partitionId(at)) },
      'source partitions assigned',
    );
    this.countOwned();
    return opened.map(({ at, next }) => ({ ...at, offset: next }));
  }

  private async revoked(partitions: readonly TopicPartition[]): Promise<void> {
    const leaving = partitions.flatMap((at) => this.owned.get(partitionId(at)) ?? []);
    try {
      await this.commit(leaving);
    } finally {
      this.release(partitions);
    }
  }

  private release(partitions: readonly TopicPartition[]): void {
    for (const at of partitions) this.owned.delete(partitionId(at));
    this.options.logger.info(
      { group: 'ingest', partitions: partitions.map(partitionId) },
      'source partitions released',
    );
    this.countOwned();
  }

  private countOwned(): void {
    this.options.metrics.gauge('millrace_tasks_owned', { kind: 'ingest' }).set(this.owned.size);
  }

  private batch(records: readonly LogRecord[]): Promise<void> | void {
    const now_ms = this.options.clock.now_ms();
    const touched = new Set<OwnedSource>();
    for (const record of records) {
      const owned = this.owned.get(partitionId(record));
      if (owned === undefined || record.offset < owned.next) continue;
      this.accept(owned, record, now_ms);
      owned.next = record.offset + 1;
      touched.add(owned);
    }
    for (const owned of touched) {
      owned.lastRecord_ms = now_ms;
      this.appendFrames(owned.source);
    }
    if (this.producer!.pending_bytes > pendingLimit_bytes) return this.producer!.flush();
  }

  private accept(owned: OwnedSource, record: LogRecord, now_ms: number): void {
    const { metrics } = this.options;
    const { topic } = record;
    try {
      const outcome = owned.source.accept(record.offset, record.value, now_ms);
      metrics.counter('millrace_source_records_total', { topic, outcome }).add(1);
    } catch (error) {
      if (!(error instanceof RecordError)) throw stopped(record, error);
      this.refuse(
        owned.source.table,
        record,
        new RecordError(error.code, `${placeOf(record)}: ${error.message}`, { cause: error }),
      );
    }
  }

  private refuse(table: TablePlan, record: LogRecord, error: RecordError): void {
    const { metrics, logger, application } = this.options;
    const { topic } = record;
    if (table.onError === 'fail') throw error;
    if (table.onError === 'dead-letter') appendDeadLetter(this.producer!, deadLetterTopic(application), record, error);
    const outcome = table.onError === 'skip' ? 'skipped' : 'dead_lettered';
    metrics.counter('millrace_source_records_total', { topic, outcome }).add(1);
    metrics.counter('millrace_dead_letters_total', { topic, reason: error.code }).add(1);
    logger.warn({ code: error.code, policy: table.onError }, error.message);
  }

  private appendFrames(source: SourcePartition): void {
    const { metrics, application } = this.options;
    for (const frame of source.takeFrames()) {
      this.producer!.append(entityLogTopic(application, frame.entity), frame.partition, null, frame.bytes);
      metrics.counter('millrace_frames_total', { entity: frame.entity.name }).add(1);
      metrics.counter('millrace_frame_rows_total', { entity: frame.entity.name }).add(frame.rows);
    }
    if (source.unrouted > 0) {
      metrics.counter('millrace_rows_without_key_total', { topic: source.table.topic }).add(source.unrouted);
      source.unrouted = 0;
    }
  }

  /** Commits what is acknowledged. Calls run one after another. */
  private commit(sources: readonly OwnedSource[]): Promise<void> {
    this.committing = this.committing.catch(() => undefined).then(() => this.commitNow(sources));
    return this.committing;
  }

  private async commitNow(sources: readonly OwnedSource[]): Promise<void> {
    const moved = sources.filter((owned) => owned.next !== owned.committed);
    if (moved.length === 0) return;
    const offsets = moved.map((owned) => ({
      ...owned.at,
      offset: owned.next,
      metadata: formatHighWater(owned.source.highWater),
    }));
    await this.producer!.flush();
    await this.consumer!.commit(offsets);
    moved.forEach((owned, i) => (owned.committed = offsets[i]!.offset));
  }

  private readonly commitFailed = (error: unknown): void => {
    if (error instanceof SourceStoppedError || error instanceof FatalError) this.options.failed(error);
    else
      this.options.logger.warn(
        { group: 'ingest', error: messageOf(error) },
        'source offsets were not committed; the next commit covers them',
      );
  };

  private async checkIdle(): Promise<void> {
    const owned = [...this.owned.values()];
    if (owned.length === 0) return;
    const asked_ms = this.options.clock.now_ms();
    const heartbeats = this.heartbeats.newest();
    const ends = await this.consumer!.endOffsets(owned.map(({ at }) => at));
    owned.forEach((source, i) => {
      const reached = this.consumer!.position(source.at);
      source.caughtUp = reached !== null && reached >= ends[i]!;
      this.options.metrics
        .gauge('millrace_source_lag_records', labelsOf(source.at))
        .set(Math.max(0, ends[i]! - source.next));
      if (source.caughtUp)
        source.source.caughtUp(
          asked_ms,
          source.lastRecord_ms,
          heartbeats.get(source.source.table.heartbeatTopic) ?? null,
        );
    });
  }

  private readonly checkFailed = (error: unknown): void => {
    this.options.logger.warn(
      { group: 'ingest', error: messageOf(error) },
      'cannot ask for end offsets; time stands still until it works again',
    );
  };

  /** Rows wait for nothing: every batch left with its own frames, so the marks go behind all of them. */
  private sendMarks(): void {
    for (const entity of this.options.plan.entities) {
      const sources = [...this.owned.values()].flatMap(({ source }) =>
        marksFor(entity, source, this.routes.get(source.table.topic)!),
      );
      if (sources.length === 0) continue;
      const frame = encodeMarksFrame(entity, sources);
      const topic = entityLogTopic(this.options.application, entity);
      for (let partition = 0; partition < entity.partitions; partition++)
        this.producer!.append(topic, partition, null, frame);
    }
  }
}

function marksFor(
  entity: EntityPlan,
  source: SourcePartition,
  routes: readonly EntityRoute[],
): Parameters<typeof encodeMarksFrame>[1][number][] {
  const route = routes.find((candidate) => candidate.entity === entity);
  return route === undefined ? [] : [{ source: source.sourceId(route), marks: source.marks }];
}

const labelsOf = ({ topic, partition }: TopicPartition): { topic: string; partition: string } => ({
  topic,
  partition: String(partition),
});

const placeOf = (record: LogRecord): string =>
  `topic ${record.topic}, partition ${record.partition}, offset ${record.offset}`;

function stopped(record: LogRecord, error: unknown): Error {
  if (!(error instanceof MillraceError)) return error as Error;
  return new SourceStoppedError(error.code, `${placeOf(record)}: ${error.message}`, { cause: error });
}

function topicsMissing(tables: readonly TablePlan[]): FatalError {
  const lines = tables.map(({ topic, name }) => `  - ${topic} (table ${name})`);
  return new FatalError(
    'topic-missing',
    `these source topics do not exist:\n${lines.join('\n')}\n` +
      'Is the connector running, does its topic.prefix match debezium({ prefix }), is the table in its table.include.list, and did it see a row yet? ' +
      'Is MILLRACE_KAFKA_BROKERS the right cluster?',
  );
}
