/** Outages are waited out: a call that failed for a passing reason is made again until it is told to stop. */
import { messageOf } from '../../errors.ts';
import type { Logger } from '../../observability/logger.ts';
import { type Clock, sleep } from '../../time/clock.ts';
import type { ClientError } from './client.ts';

const passing = new Set([
  -195, // broker transport failure
  -187, // all brokers down
  -185, // timed out
  -180, // waiting for the coordinator
  -164, // waiting for the cache
  5, // leader not available
  6, // not the leader
  7, // request timed out
  8, // broker not available
  13, // network exception
  14, // coordinator loading
  15, // coordinator not available
  16, // not the coordinator
  27, // rebalance in progress
  41, // not the controller
  74, // fenced leader epoch
  75, // unknown leader epoch
  88, // unstable offset commit
]);

export function isPassing(error: unknown): boolean {
  const { code, isRetriable, isTxnRequiresAbort } = error as Partial<ClientError>;
  // Such a call is repeated with its whole transaction, or not at all.
  if (isTxnRequiresAbort === true) return false;
  return isRetriable === true || (code !== undefined && passing.has(code));
}

export interface RetryOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly what: string;
  /** Throws when the call must not be made again. */
  readonly goOn: () => void;
}

const firstWait_ms = 20;
const longestWait_ms = 1000;
const warnEvery = 10;

export async function retrying<T>(options: RetryOptions, attempt: () => Promise<T>): Promise<T> {
  const { clock, logger, what, goOn } = options;
  for (let tries = 1; ; tries += 1) {
    goOn();
    try {
      return await attempt();
    } catch (error) {
      if (!isPassing(error)) throw error;
      if (tries % warnEvery === 3) logger.warn({ tries }, `${what} failed, trying again: ${messageOf(error)}`);
      await sleep(clock, Math.min(longestWait_ms, firstWait_ms * 2 ** Math.min(tries, 10)));
    }
  }
}
