/** The source topics as they were at start. One that is made anew or grows meanwhile would mix offsets or keys: it stops the worker. */
import type { TablePlan } from '../define/plan.ts';
import { FatalError, MillraceError, SourceStoppedError, messageOf } from '../errors.ts';
import { checkSameTopic } from '../ingest/source-identity.ts';
import type { TopicInfo } from '../log/log.ts';
import { Repeater } from './repeater.ts';
import type { RunnerOptions } from './runner-options.ts';

const watch_ms = 10_000;

export class SourceTopics {
  private readonly options: Pick<RunnerOptions, 'log' | 'clock' | 'logger' | 'failed'>;
  private readonly tables: readonly TablePlan[];
  private topics: ReadonlyMap<string, TopicInfo> = new Map();
  private watch: Repeater | null = null;

  constructor(options: Pick<RunnerOptions, 'log' | 'clock' | 'logger' | 'failed'>, tables: readonly TablePlan[]) {
    this.options = options;
    this.tables = tables;
  }

  /** @throws FatalError `topic-missing` when one does not exist. */
  async start(): Promise<void> {
    this.topics = await this.describe();
    const missing = this.tables.filter(({ topic }) => !this.topics.has(topic));
    if (missing.length > 0) throw topicsMissing(missing);
    this.watch = new Repeater(this.options.clock, watch_ms, () => this.check(), this.checkFailed);
  }

  info(topic: string): TopicInfo {
    return this.topics.get(topic)!;
  }

  /** @throws SourceStoppedError `topic-mismatch` when one is not what it was at start. */
  async check(): Promise<void> {
    const now = await this.describe();
    for (const known of this.topics.values()) {
      const found = now.get(known.name);
      // Gone for a moment, or for good: what comes in its place is found out then.
      if (found === undefined) this.options.logger.warn({ topic: known.name }, 'a source topic is not there any more');
      else naming(known.name, () => checkSameTopic(identityOf(known), identityOf(found)));
    }
  }

  async stop(): Promise<void> {
    await this.watch?.stop();
  }

  private describe(): Promise<ReadonlyMap<string, TopicInfo>> {
    return this.options.log.describeTopics(this.tables.map(({ topic }) => topic));
  }

  private readonly checkFailed = (error: unknown): void => {
    const { failed, logger } = this.options;
    if (error instanceof SourceStoppedError) failed(error);
    else logger.warn({ error: messageOf(error) }, 'cannot look at the source topics; tried again');
  };
}

const identityOf = ({ id, partitions }: TopicInfo): { topicId: string; partitionCount: number } => ({
  topicId: id,
  partitionCount: partitions,
});

/** Runs a check of a topic; its error gets the topic's name. */
export function naming<T>(topic: string, check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (!(error instanceof MillraceError)) throw error;
    throw new SourceStoppedError(error.code, `topic ${topic}: ${error.message}`, { cause: error });
  }
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
