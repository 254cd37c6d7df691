/** Kafka, Redis and the S3 server are killed, restarted, emptied or away. */
import type { ChaosFleet } from './chaos-fleet.ts';
import { moment, wait, type Fault, type FaultReport } from './fault.ts';
import { endHangingTransactions } from './hanging-transactions.ts';
import { killComponent, signalComponent, startComponent } from './stack.ts';

/**
 * Not by SIGKILL: a broker that is alone, and killed between a transaction's decision and its markers, was seen to skip the markers when it
 * comes back, since it does not know its own partitions yet. Their readers then wait until the transaction is aborted by hand.
 */
export const kafkaRestarted: Fault = async (fleet, below) => {
  await moment(below);
  await startComponent('kafka');
  await fleet.shop.untilStreaming();
  return balancedAgain(fleet);
};

/** Longer than any restore here takes. */
const patience_ms = 45_000;

/** Once in some eighty restarts a broker without replicas leaves a transaction open for ever: it is ended as an operator would. */
async function balancedAgain(fleet: ChaosFleet): Promise<FaultReport> {
  const isBalanced = await fleet.untilBalanced(patience_ms).then(
    () => true,
    () => false,
  );
  if (isBalanced) return {};
  const ended = await endHangingTransactions();
  await fleet.untilBalanced();
  return ended.length === 0 ? {} : { notes: `the broker had cut a transaction; it was ended on ${ended.join(', ')}` };
}

/** Longer than any call of a transaction waits: it is given up, and decided by a new client. */
const frozen_ms = 75_000;

export const kafkaFrozen: Fault = async (fleet, below) => {
  await moment(below);
  signalComponent('kafka', 'SIGSTOP');
  await wait(frozen_ms);
  signalComponent('kafka', 'SIGCONT');
  await fleet.shop.untilStreaming();
  await fleet.untilBalanced();
  return { notes: `for ${frozen_ms / 1000} s` };
};

export const redisFlushed: Fault = async ({ redis }, below) => {
  await moment(below);
  await redis.flushall();
  return {};
};

export const redisRestarted: Fault = async (_, below) => {
  await moment(below);
  await killComponent('redis');
  await moment(below);
  await startComponent('redis');
  return {};
};

const shortest_ms = 2000;

/** Rows flow on meanwhile. */
export const s3Away =
  (longest_ms: number): Fault =>
  async (_, below) => {
    await killComponent('s3');
    const away_ms = Math.min(longest_ms, shortest_ms + below(longest_ms));
    await wait(away_ms);
    await startComponent('s3');
    return { notes: `for ${(away_ms / 1000).toFixed(1)} s` };
  };
