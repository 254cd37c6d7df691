/** The Log on Kafka. */
import { RetriableError } from '../../errors.ts';
import type { Logger } from '../../observability/logger.ts';
import type { Clock } from '../../time/clock.ts';
import type { Log } from '../log.ts';
import { KafkaAdmin } from './admin.ts';
import type { Surroundings } from './connection.ts';
import { groupMembers } from './group-members.ts';
import { groupOffsets } from './group-offsets.ts';
import { joinGroup } from './kafka-group.ts';
import { openProducer } from './kafka-producer.ts';
import { openReader } from './kafka-reader.ts';
import { openTransactor } from './kafka-transactor.ts';
import { OffsetLister } from './offsets.ts';
import type { UserSettings } from './settings.ts';
import { describeTopics, ensureTopics, topicNames } from './topics.ts';

export interface KafkaLogOptions {
  /** Settings of librdkafka, such as `bootstrap.servers` and `sasl.username`, over the adapter's own. */
  readonly settings: UserSettings;
  readonly clock: Clock;
  readonly logger: Logger;
  /** How long to wait for a broker when a client starts. Default 20 s. */
  readonly startTimeout_ms?: number;
  /**
   * Names this process in each group that it joins: when it comes back under the same name within the session, it has its partitions
   * still, and nobody else was given them. No two processes that live at a time may have the same. Absent: a new member each time.
   */
  readonly groupInstanceId?: string;
  /** Replicas of the topics that are created. Default: the broker's. */
  readonly replication?: number;
}

/** @throws FatalError `log-unavailable` when no broker answers in time. */
export async function createKafkaLog(options: KafkaLogOptions): Promise<Log> {
  const { settings, clock, logger, startTimeout_ms = 20_000, replication = -1, groupInstanceId = null } = options;
  const surroundings: Surroundings = { settings, clock, logger, startTimeout_ms, groupInstanceId };
  const admin = await KafkaAdmin.open(surroundings);
  const lister = new OffsetLister(admin, surroundings);
  const open = new Set<{ close(): Promise<void> }>();
  let closed = false;
  const goOn = (): void => {
    if (closed) throw new RetriableError('log-unavailable', 'the log is closed');
  };
  const topics = { admin, surroundings, replication, goOn };
  const keep = async <T extends { close(): Promise<void> }>(opening: Promise<T>): Promise<T> => {
    const opened = await opening;
    open.add(opened);
    return opened;
  };
  return {
    ensureTopics: (specs) => ensureTopics(topics, specs),
    describeTopics: (names) => describeTopics(topics, names),
    topicNames: () => topicNames(topics),
    groupMembers: (group) => groupMembers({ admin, surroundings, goOn }, group),
    groupOffsets: (group, partitions) => groupOffsets({ admin, surroundings, goOn }, group, partitions),
    producer: (producerOptions) => keep(openProducer(surroundings, producerOptions)),
    transactor: (transactorOptions) => keep(openTransactor(surroundings, transactorOptions)),
    groupConsumer: (groupOptions) => keep(joinGroup(surroundings, lister, groupOptions)),
    reader: (readerOptions) => keep(openReader(surroundings, lister, readerOptions)),
    async close() {
      if (closed) return;
      await Promise.all([...open].map((each) => each.close()));
      closed = true;
      admin.close();
    },
  };
}
