/** Knows each connector's newest heartbeat. A heartbeat says that the connector was alive, not that all before it has arrived. */
import { decodeHeartbeat } from '../cdc/decoder.ts';
import { messageOf } from '../errors.ts';
import type { Log, LogReader, LogRecord } from '../log/log.ts';
import type { Logger } from '../observability/logger.ts';
import type { Clock } from '../time/clock.ts';
import { Repeater } from './repeater.ts';

/** A connector makes its heartbeat topic when it first streams; it is looked for until it is there. */
const lookup_ms = 10_000;

export class HeartbeatReader {
  private readonly log: Log;
  private readonly clock: Clock;
  private readonly logger: Logger;
  private readonly topics: readonly string[];
  private readonly newest_ms = new Map<string, number>();
  private found = 0;
  private reader: LogReader | null = null;
  /** It reads nothing any more. */
  private isBroken = false;
  private lookup: Repeater | null = null;

  constructor(log: Log, clock: Clock, logger: Logger, topics: readonly string[]) {
    this.log = log;
    this.clock = clock;
    this.logger = logger;
    this.topics = topics;
  }

  async start(): Promise<void> {
    await this.open();
    await this.assign();
    this.lookup = new Repeater(this.clock, lookup_ms, () => this.tend(), this.failed);
  }

  /** Per heartbeat topic, the time of the newest heartbeat, milliseconds. */
  newest(): ReadonlyMap<string, number> {
    return new Map(this.newest_ms);
  }

  async stop(): Promise<void> {
    await this.lookup?.stop();
    await this.reader?.close();
  }

  private async open(): Promise<void> {
    this.found = 0;
    this.reader = await this.log.reader({
      batch: this.take,
      failed: (error) => {
        this.isBroken = true;
        this.failed(error);
      },
    });
    this.isBroken = false;
  }

  private async tend(): Promise<void> {
    if (this.isBroken) {
      await this.reader?.close();
      await this.open();
    }
    await this.assign();
  }

  private async assign(): Promise<void> {
    if (this.found === this.topics.length) return;
    const infos = [...(await this.log.describeTopics(this.topics)).values()];
    if (infos.length === this.found) return;
    this.found = infos.length;
    await this.reader!.assign(
      infos.flatMap(({ name, partitions }) =>
        Array.from({ length: partitions }, (_, partition) => ({ topic: name, partition, offset: 'end' as const })),
      ),
    );
  }

  private readonly take = (records: readonly LogRecord[]): void => {
    for (const { topic, value } of records) {
      const time_ms = decodeHeartbeat(value);
      if (time_ms !== null && time_ms > (this.newest_ms.get(topic) ?? 0)) this.newest_ms.set(topic, time_ms);
    }
  };

  private readonly failed = (error: unknown): void => {
    this.logger.warn(
      { error: messageOf(error) },
      'cannot read the connector heartbeats; quiet sources let time pass an hour late until it works again',
    );
  };
}
