/** The connector is killed while it streams and while it reads its first snapshot, and is away for longer than a window. */
import { until } from '../support/until.ts';
import type { ChaosFleet } from './chaos-fleet.ts';
import { moment, type Fault, type FaultReport } from './fault.ts';
import { killComponent, startComponent } from './stack.ts';

/** It repeats what it had sent since it last wrote its offsets. */
export const connectKilled: Fault = async ({ shop }, below) => {
  await moment(below);
  await killComponent('connect');
  await moment(below);
  await startComponent('connect');
  await shop.untilStreaming();
  return {};
};

/** Of rows younger than the outOfOrderness: one that is changed later may be late without any outage. */
export const reachInTime = 100;

/** Time passes for all keys, until their windows are over; then the rows of before come. */
export const connectAway: Fault = async (fleet, below) => {
  await moment(below);
  await killComponent('connect');
  const stopped_ms = Date.now();
  // Longer than a window and the idle timeout; and each key's own window is over as well.
  await until(
    'the windows of all keys are over',
    async () => Date.now() > stopped_ms + fleet.window_ms + 5000 && (await fleet.allEmpty()),
    2 * fleet.window_ms + 30_000,
    500,
  );
  const away_s = (Date.now() - stopped_ms) / 1000;
  await startComponent('connect');
  await fleet.shop.untilStreaming();
  await fleet.untilRead();
  const count = (change: string, fate: string): Promise<number> =>
    fleet.total('millrace_row_fates_total', `change="${change}",fate="${fate}"`);
  const [late, lateRetractions] = [await count('insertion', 'late'), await count('retraction', 'late')];
  if (late + lateRetractions > 0)
    throw new Error(`${late} insertions and ${lateRetractions} retractions were refused as late`);
  const passed = await count('insertion', 'passed');
  return { notes: `for ${away_s.toFixed(0)} s; ${late} rows late, ${passed} in windows that were over` };
};

/** Dies in its first snapshot, and rows change meanwhile that it has read already. */
export async function killInSnapshot(fleet: ChaosFleet, rows: number): Promise<FaultReport> {
  const reader = await fleet.log.reader({ batch: () => undefined, failed: () => undefined });
  const partitions = [0, 1, 2].map((partition) => ({ topic: fleet.shop.topic, partition }));
  const read = async (): Promise<number> => (await reader.endOffsets(partitions)).reduce((sum, end) => sum + end, 0);
  try {
    // Resolves when it streams, if it was not killed before.
    const captured = fleet.shop.capture().catch((error: unknown) => error as Error);
    await until('the snapshot is under way', async () => (await read()) > rows / 10, 60_000, 10);
    await killComponent('connect');
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
  const change = (sql: string): Promise<unknown> => shop.db.query(`${sql} and transaction_id <= $1`, [rows]);
  await change('delete from public.transactions where transaction_id % 50 = 1');
  await change('update public.transactions set user_id = user_id + 1 where transaction_id % 50 = 2 and user_id < 100');
  await change(
    `update public.transactions set transaction_time = now() at time zone 'utc' where transaction_id % 50 = 3`,
  );
}
