/**
 * Keeps time going while sources are quiet: asks for end offsets, so that a partition that is caught up and idle lets the clock pass,
 * and tells every entity partition the marks once a second.
 */
import type { EntityPlan } from '../define/plan.ts';
import { messageOf } from '../errors.ts';
import { encodeMarksFrame, type MarksFrame } from '../frames/row-frame.ts';
import type { EntityRoute } from '../ingest/router.ts';
import type { GroupConsumer, LogProducer } from '../log/log.ts';
import type { HeartbeatReader } from './heartbeat-reader.ts';
import type { RunnerOptions } from './runner-options.ts';
import type { OwnedSource } from './owned-source.ts';
import { Repeater } from './repeater.ts';
import { entityLogTopic } from './topics.ts';

const marksInterval_ms = 1000;
const defaultIdle_us = 1_000_000;

export interface SourceClockOptions extends Pick<
  RunnerOptions,
  'plan' | 'application' | 'clock' | 'logger' | 'failed'
> {
  readonly consumer: GroupConsumer;
  readonly producer: LogProducer;
  readonly heartbeats: HeartbeatReader;
  readonly owned: () => readonly OwnedSource[];
  readonly routesOf: (topic: string) => readonly EntityRoute[];
  /** Ends first snapshots that a heartbeat shows to be over. */
  readonly endSnapshots: (caughtUp: readonly OwnedSource[], heartbeats: ReadonlyMap<string, number>) => Promise<void>;
}

export class SourceClock {
  private readonly options: SourceClockOptions;
  private readonly repeaters: readonly Repeater[];

  constructor(options: SourceClockOptions) {
    this.options = options;
    const { clock, plan } = options;
    const tables = plan.entities.flatMap((entity) => entity.tables);
    const idle_us = Math.min(defaultIdle_us, ...tables.map((table) => table.time?.idleTimeout_us ?? defaultIdle_us));
    this.repeaters = [
      new Repeater(clock, idle_us / 2000, () => this.checkIdle(), this.checkFailed),
      new Repeater(clock, marksInterval_ms, () => this.sendMarks(), this.sendFailed),
    ];
  }

  async stop(): Promise<void> {
    for (const repeater of this.repeaters) await repeater.stop();
  }

  private async checkIdle(): Promise<void> {
    const { clock, consumer, heartbeats } = this.options;
    const owned = this.options.owned();
    if (owned.length === 0) return;
    const asked_ms = clock.now_ms();
    const newest_ms = heartbeats.newest();
    const ends = await consumer.endOffsets(owned.map(({ at }) => at));
    const caughtUp = owned.filter((each, i) => {
      const { at, source, lastRecord_ms } = each;
      const reached = consumer.position(at);
      if (reached === null || reached < ends[i]!) return false;
      source.caughtUp(asked_ms, lastRecord_ms, newest_ms.get(source.table.heartbeatTopic) ?? null);
      return true;
    });
    await this.options.endSnapshots(caughtUp, newest_ms);
  }

  /** Rows wait for nothing: every batch left with its own frames, so the marks go behind all of them. */
  private sendMarks(): Promise<void> {
    const { plan, application, producer } = this.options;
    for (const entity of plan.entities) {
      const sources = this.options.owned().flatMap((owned) => this.marksOf(owned, entity));
      if (sources.length === 0) continue;
      const frame = encodeMarksFrame(entity, sources);
      const topic = entityLogTopic(application, entity);
      for (let partition = 0; partition < entity.partitions; partition++)
        producer.append(topic, partition, null, frame);
    }
    return Promise.resolve();
  }

  private marksOf({ at, source }: OwnedSource, entity: EntityPlan): MarksFrame['sources'] {
    const route = this.options.routesOf(at.topic).find((candidate) => candidate.entity === entity);
    return route === undefined ? [] : [{ source: source.sourceId(route), marks: source.marks }];
  }

  private readonly checkFailed = (error: unknown): void => {
    const { logger } = this.options;
    const fields = { group: 'ingest', error: messageOf(error) };
    logger.warn(fields, 'cannot ask for end offsets; time stands still until it works again');
  };

  /** Only a dead producer refuses a frame. */
  private readonly sendFailed = (error: unknown): void => {
    this.options.failed(error as Error);
  };
}
