/** Workers are killed, with and without their disk; frozen, taken over and woken; drained. */
import type { LogReader, TopicPartition } from '../../src/log/log.ts';
import { changelogTopic } from '../../src/worker/topics.ts';
import { until } from '../support/until.ts';
import type { ChaosFleet } from './chaos-fleet.ts';
import { moment, wait, type Below, type Fault } from './fault.ts';
import { describeRestores, restoredSince, restoresOf } from './restores.ts';
import type { WorkerSlot } from './worker-slot.ts';

/** Some values, of a call to Redis. */
const enough_bytes = 2000;

const pick = ({ slots }: ChaosFleet, below: Below): [WorkerSlot, WorkerSlot] => {
  const at = below(2);
  return [slots[at]!, slots[1 - at]!];
};

/** kill -9 at a random moment; it comes back when the other has taken over. */
export const killed =
  (loseDisk: boolean): Fault =>
  async (fleet, below) => {
    const [slot, other] = pick(fleet, below);
    await moment(below);
    const before = await restoresOf(other.worker);
    const partitions = await slot.partitions();
    const since_ms = Date.now();
    await slot.kill({ loseDisk });
    await fleet.untilTakenOver(other);
    const taken = restoredSince(before, await restoresOf(other.worker));
    await slot.start();
    await fleet.untilBalanced();
    const back = await restoresOf(slot.worker);
    return {
      takenOver: { partitions, since_ms },
      notes: `the other restored ${describeRestores(taken)}; back with ${describeRestores(back)}`,
    };
  };

/** Killed, and started again on its disk at once, as a supervisor does it: before its session has ended. */
export const restarted: Fault = async (fleet, below) => {
  const [slot] = pick(fleet, below);
  await moment(below);
  const partitions = await slot.partitions();
  const since_ms = Date.now();
  await slot.kill({ loseDisk: false });
  await slot.start();
  await fleet.untilBalanced();
  const back = await restoresOf(slot.worker);
  return { takenOver: { partitions, since_ms }, notes: `back with ${describeRestores(back)}` };
};

/** Values are under way to Redis when a worker freezes; they arrive when newer ones of the next owner are there. */
export const frozenWithValues: Fault = async (fleet, below) => {
  const [slot, other] = pick(fleet, below);
  await moment(below);
  slot.network.hold();
  await until('values are under way', () => slot.network.held_bytes >= enough_bytes);
  slot.freeze();
  const held_bytes = slot.network.held_bytes;
  await fleet.untilTakenOver(other);
  await moment(below);
  await fleet.untilRead();
  slot.network.deliver();
  slot.thaw();
  await fleet.untilBalanced();
  return { notes: `${held_bytes} bytes arrived late` };
};

/** Frozen in the middle of a transaction, if one is met; taken over, and woken. */
export const frozen: Fault = async (fleet, below) => {
  const [slot, other] = pick(fleet, below);
  const tries = await freezeInTransaction(fleet, slot, below);
  // Nothing covers up what it does when it wakes up.
  await fleet.untilTakenOver(other);
  await moment(below);
  await fleet.flow.pause();
  slot.thaw();
  await fleet.untilBalanced();
  return { notes: tries === null ? 'outside of a transaction' : `between produce and commit, at try ${tries}` };
};

const maxTries = 300;

/** An open transaction shows as a log that ends behind its last decided record. @returns null when none was met; it is frozen all the same. */
async function freezeInTransaction(fleet: ChaosFleet, slot: WorkerSlot, below: Below): Promise<number | null> {
  const entity = fleet.plan.entities[0]!;
  const topic = changelogTopic(fleet.application, entity);
  const partitions = Array.from({ length: entity.partitions }, (_, partition) => ({ topic, partition }));
  const reader = await fleet.log.reader({ batch: () => undefined, failed: () => undefined });
  try {
    for (let attempt = 1; attempt <= maxTries; attempt++) {
      slot.freeze();
      // The other worker's transactions end by themselves.
      const open = await undecided(reader, partitions);
      if (open.length > 0 && (await staysOpen(reader, open))) return attempt;
      slot.thaw();
      await wait(below(60));
    }
    slot.freeze();
    return null;
  } finally {
    await reader.close();
  }
}

async function undecided(reader: LogReader, partitions: readonly TopicPartition[]): Promise<TopicPartition[]> {
  const decided = await reader.endOffsets(partitions);
  const all = await reader.highWaters(partitions);
  return partitions.filter((_, i) => decided[i]! < all[i]!);
}

const ownEnd_ms = 500;

async function staysOpen(reader: LogReader, open: readonly TopicPartition[]): Promise<boolean> {
  await wait(ownEnd_ms);
  return (await undecided(reader, open)).length > 0;
}

export const drained: Fault = async (fleet, below) => {
  const [slot, other] = pick(fleet, below);
  await moment(below);
  const code = await slot.drain();
  await fleet.untilTakenOver(other);
  await slot.start();
  await fleet.untilBalanced();
  if (code !== 0) throw new Error(`a worker that was told to drain ended with ${code}`);
  return {};
};
