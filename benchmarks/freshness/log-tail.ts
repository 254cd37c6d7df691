/** What was appended to a topic since it was marked. Read after the run, so that no reader takes part in it. */
import type { Log, LogRecord, TopicPartition } from '../../src/log/log.ts';
import { until } from '../../test/support/until.ts';

const limit_ms = 60_000;

export class LogTail {
  private readonly log: Log;
  private readonly starts: readonly (TopicPartition & { readonly offset: number })[];

  private constructor(log: Log, starts: LogTail['starts']) {
    this.log = log;
    this.starts = starts;
  }

  static async mark(log: Log, topic: string, partitionCount: number): Promise<LogTail> {
    const partitions = Array.from({ length: partitionCount }, (_, partition) => ({ topic, partition }));
    const reader = await log.reader({
      batch: () => undefined,
      failed: (error) => {
        throw error;
      },
    });
    const ends = await reader.endOffsets(partitions);
    await reader.close();
    return new LogTail(
      log,
      partitions.map((at, i) => ({ ...at, offset: ends[i]! })),
    );
  }

  /** Reads on until the condition holds. @throws Error with `what` when it does not in time. */
  async read(each: (record: LogRecord) => void, what: () => string, enough: () => boolean): Promise<void> {
    let failure: Error | null = null;
    const fail = (error: Error): void => {
      failure = error;
    };
    const reader = await this.log.reader({
      batch: (records) => {
        records.forEach(each);
      },
      failed: fail,
    });
    try {
      await reader.assign(this.starts);
      await until(
        what,
        () => {
          if (failure !== null) throw failure;
          return enough();
        },
        limit_ms,
      );
    } finally {
      await reader.close();
    }
  }
}
