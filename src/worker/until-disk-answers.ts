/** Calls of the local store that may be refused for a while: the disk is full, or the database is opened again. */
import { messageOf, RetriableError } from '../errors.ts';
import type { Logger } from '../observability/logger.ts';
import { sleep, type Clock } from '../time/clock.ts';

const backoff_ms = 500;

export interface DiskWaiting {
  readonly clock: Clock;
  readonly logger: Logger;
  /** What was not done, for the log. */
  readonly refused: string;
  readonly isStopped: () => boolean;
}

/** The same call until the disk takes it. @throws Error any that does not pass by itself, and the last one once it is stopped. */
export async function untilDiskAnswers<T>(
  call: () => Promise<T>,
  { clock, logger, refused, isStopped }: DiskWaiting,
): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof RetriableError) || isStopped()) throw error;
      logger.warn({ error: messageOf(error) }, `${refused}; trying again`);
      await sleep(clock, backoff_ms);
    }
  }
}
