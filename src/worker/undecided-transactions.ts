/**
 * Why a restore does not come to its end: a transaction that nobody decides keeps records back from readers. The coordinator decides it after
 * its time limit; one that stays is a matter for an operator, who has to know the partition.
 */
import type { LogReader, TopicPartition } from '../log/log.ts';
import type { Logger } from '../observability/logger.ts';
import type { Clock } from '../time/clock.ts';
import { partitionId } from '../log/partition-id.ts';

/** Twice the time limit of a transaction: by then it is decided, if ever. */
const patience_ms = 10_000;
const repeat_ms = 60_000;

export interface Awaited extends TopicPartition {
  /** Behind the last record that is to be read. */
  readonly end: number;
}

export interface UndecidedTransactionsOptions {
  readonly reader: Pick<LogReader, 'position' | 'endOffsets'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class UndecidedTransactions {
  private readonly options: UndecidedTransactionsOptions;
  private readonly since = new Map<string, { readonly position: number; readonly at_ms: number }>();
  private asked_ms = -Infinity;

  constructor(options: UndecidedTransactionsOptions) {
    this.options = options;
  }

  /** To be called again and again while partitions are waited for. */
  look(awaited: readonly Awaited[]): void {
    const { clock } = this.options;
    const now_ms = clock.monotonic_ms();
    const stalled = awaited.filter((at) => this.standsSince_ms(at, now_ms) <= now_ms - patience_ms);
    if (stalled.length === 0 || now_ms - this.asked_ms < repeat_ms) return;
    this.asked_ms = now_ms;
    void this.ask(stalled).catch(() => undefined);
  }

  private standsSince_ms(at: Awaited, now_ms: number): number {
    const position = this.options.reader.position(at) ?? 0;
    const before = this.since.get(partitionId(at));
    if (position < at.end && before?.position === position) return before.at_ms;
    this.since.set(partitionId(at), { position, at_ms: now_ms });
    return now_ms;
  }

  /** A broker that is away answers when it is back; then nothing stands still any more. */
  private async ask(stalled: readonly Awaited[]): Promise<void> {
    const { reader, logger } = this.options;
    const ends = await reader.endOffsets(stalled);
    const partitions = stalled.flatMap((at, i) => {
      const position = reader.position(at) ?? 0;
      return position >= ends[i]! && position < at.end ? [`${partitionId(at)} at offset ${ends[i]!}`] : [];
    });
    if (partitions.length === 0) return;
    logger.warn(
      { partitions },
      'a restore waits: a transaction on these partitions is not decided. If that lasts, kafka-transactions find-hanging and abort end it',
    );
  }
}
