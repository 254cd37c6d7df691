/** What is done to the fleet. Each fault leaves everything running again; whether all came right is compared afterwards. */
import { changelogTopic } from '../../src/worker/topics.ts';
import { until } from '../support/until.ts';
import type { ChaosFleet } from './chaos-fleet.ts';
import { restartComponent, startComponent, stopComponent } from './stack.ts';
import { untilTakenOver, type WorkerSlot } from './worker-slot.ts';

export interface FaultReport {
  /** From the kill until the other worker had restored all that it took over, milliseconds. */
  readonly takeover_ms?: number;
  readonly notes?: string;
}

export type Fault = (fleet: ChaosFleet, below: (limit: number) => number) => Promise<FaultReport>;

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const pick = ({ slots }: ChaosFleet, below: (limit: number) => number): [WorkerSlot, WorkerSlot] => {
  const at = below(2);
  return [slots[at]!, slots[1 - at]!];
};

/** Lets rows flow for a random moment, so that the fault meets whatever is just going on. */
const moment = (below: (limit: number) => number): Promise<void> => wait(200 + below(2500));

const killed =
  (loseDisk: boolean): Fault =>
  async (fleet, below) => {
    const [slot, other] = pick(fleet, below);
    await moment(below);
    const before = restores(other).length;
    const killed_ms = Date.now();
    await slot.kill({ loseDisk });
    await untilTakenOver(other, fleet.tasks);
    const restored = restores(other).slice(before);
    const takeover_ms = Math.max(...restored.map(({ time }) => time)) - killed_ms;
    await slot.start();
    await fleet.untilBalanced();
    const again = restores(slot);
    const reused = again.filter(({ from }) => from === 'disk').length;
    const records = again.reduce((sum, each) => sum + each.records, 0);
    return {
      takeover_ms,
      notes: `back with ${reused} of ${again.length} states from disk, ${records} changelog records read`,
    };
  };

interface Restore {
  readonly time: number;
  readonly from: string;
  readonly records: number;
}

/** What a worker said about the states that it has brought back. */
export function restores({ worker }: WorkerSlot): Restore[] {
  const lines = [
    ...worker.logged('state restored from the changelog'),
    ...worker.logged('state on disk reused, the rest read from the changelog'),
  ];
  return lines.map((line) => ({
    time: Date.parse(String(line['time'])),
    from: String(line['from']),
    records: Number(line['changelog_records']),
  }));
}

/** Frozen in the middle of a transaction if one is met, taken over, and woken while nothing covers up what it does then. */
const frozen: Fault = async (fleet, below) => {
  const [slot, other] = pick(fleet, below);
  const isInside = await freezeInTransaction(fleet, slot, below);
  await untilTakenOver(other, fleet.tasks);
  await moment(below);
  await fleet.flow.pause();
  slot.thaw();
  fleet.flow.start();
  await fleet.untilBalanced();
  return { notes: isInside ? 'between produce and commit' : 'outside of a transaction' };
};

const attempts = 150;

/** An open transaction shows as a log that ends behind its last decided record. */
async function freezeInTransaction(
  { plan, application, log }: ChaosFleet,
  slot: WorkerSlot,
  below: (limit: number) => number,
): Promise<boolean> {
  const entity = plan.entities[0]!;
  const topic = changelogTopic(application, entity);
  const partitions = Array.from({ length: entity.partitions }, (_, partition) => ({ topic, partition }));
  const reader = await log.reader({ batch: () => undefined, failed: () => undefined });
  try {
    for (let attempt = 0; attempt < attempts; attempt++) {
      slot.freeze();
      const [decided, all] = [await reader.endOffsets(partitions), await reader.highWaters(partitions)];
      // The other worker's transactions end by themselves.
      const open = partitions.filter((_, i) => decided[i]! < all[i]!);
      if (open.length > 0 && (await isStillOpen(reader, open))) return true;
      slot.thaw();
      await wait(below(60));
    }
    slot.freeze();
    return false;
  } finally {
    await reader.close();
  }
}

interface Offsets {
  endOffsets(partitions: readonly { topic: string; partition: number }[]): Promise<readonly number[]>;
  highWaters(partitions: readonly { topic: string; partition: number }[]): Promise<readonly number[]>;
}

async function isStillOpen(reader: Offsets, open: readonly { topic: string; partition: number }[]): Promise<boolean> {
  await wait(500);
  const [decided, all] = [await reader.endOffsets(open), await reader.highWaters(open)];
  return open.some((_, i) => decided[i]! < all[i]!);
}

const drained: Fault = async (fleet, below) => {
  const [slot, other] = pick(fleet, below);
  await moment(below);
  const code = await slot.drain();
  await untilTakenOver(other, fleet.tasks);
  await slot.start();
  await fleet.untilBalanced();
  if (code !== 0) throw new Error(`a worker that was told to drain ended with ${code}`);
  return {};
};

const connectKilled: Fault = async (_, below) => {
  await moment(below);
  await stopComponent('connect');
  await moment(below);
  await startComponent('connect');
  return {};
};

/** Longer than a window and the idle timeout: time passes for all keys, and then rows of before come. */
export const connectAway =
  (away_ms: number): Fault =>
  async (_, below) => {
    await moment(below);
    await stopComponent('connect', 'term');
    await wait(away_ms);
    await startComponent('connect');
    return {};
  };

const kafkaRestarted: Fault = async (fleet, below) => {
  await moment(below);
  await restartComponent('kafka');
  await fleet.untilBalanced();
  return {
    notes: `${fleet.slots.reduce((sum, { failures }) => sum + failures, 0)} workers ended by themselves so far`,
  };
};

const redisFlushed: Fault = async ({ redis }, below) => {
  await moment(below);
  await redis.flushall();
  return {};
};

const redisRestarted: Fault = async (_, below) => {
  await moment(below);
  await stopComponent('redis');
  await moment(below);
  await startComponent('redis');
  return {};
};

export const s3Away =
  (longest_ms: number): Fault =>
  async (_, below) => {
    await stopComponent('s3');
    const away_ms = Math.min(longest_ms, 2000 + below(longest_ms));
    await wait(away_ms);
    await startComponent('s3');
    return { notes: `for ${(away_ms / 1000).toFixed(1)} s` };
  };

export const faults = {
  'worker killed': killed(false),
  'worker killed, disk lost': killed(true),
  'worker frozen': frozen,
  'worker drained': drained,
  'connect killed': connectKilled,
  'kafka restarted': kafkaRestarted,
  'redis flushed': redisFlushed,
  'redis restarted': redisRestarted,
  's3 away': s3Away(60_000),
} as const satisfies Readonly<Record<string, Fault>>;

export type FaultName = keyof typeof faults;

/** The connector dies while it reads the table for the first time, and rows change meanwhile that it has read already. */
export async function killInSnapshot(fleet: ChaosFleet, rows: number): Promise<FaultReport> {
  const reader = await fleet.log.reader({ batch: () => undefined, failed: () => undefined });
  const partitions = [0, 1, 2].map((partition) => ({ topic: fleet.shop.topic, partition }));
  const read = async (): Promise<number> => (await reader.endOffsets(partitions)).reduce((sum, end) => sum + end, 0);
  try {
    const captured = fleet.shop.capture().catch((error: unknown) => error as Error);
    await until('the snapshot is under way', async () => (await read()) > rows / 10, 60_000, 10);
    await stopComponent('connect');
    const at = await read();
    if (at >= rows) throw new Error('the snapshot was over before it could be killed: more rows are needed');
    await changeSnapshotRows(fleet, rows);
    await startComponent('connect');
    await captured;
    await fleet.shop.untilStreaming();
    return { notes: `after ${at} of ${rows} rows` };
  } finally {
    await reader.close();
  }
}

async function changeSnapshotRows({ shop }: ChaosFleet, rows: number): Promise<void> {
  const now = "(now() at time zone 'utc')";
  await shop.db.query('delete from public.transactions where transaction_id % 50 = 1 and transaction_id <= $1', [rows]);
  await shop.db.query(
    'update public.transactions set user_id = user_id + 1 where transaction_id % 50 = 2 and transaction_id <= $1 and user_id < 100',
    [rows],
  );
  await shop.db.query(
    `update public.transactions set transaction_time = ${now} where transaction_id % 50 = 3 and transaction_id <= $1`,
    [rows],
  );
}
