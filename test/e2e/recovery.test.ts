/**
 * Crashes on real components, with rows flowing; after each everything equals SQL: Redis, feature log and Parquet. The short form of
 * `npm run chaos`. The tests are one story and run in order.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ChaosFleet } from '../chaos/chaos-fleet.ts';
import { killInSnapshot } from '../chaos/connector-faults.ts';
import type { Fault } from '../chaos/fault.ts';
import { restoresOf, sumOf } from '../chaos/restores.ts';
import { kafkaRestarted, redisFlushed, s3Away } from '../chaos/server-faults.ts';
import { frozen, killed } from '../chaos/worker-faults.ts';
import type { WorkerSlot } from '../chaos/worker-slot.ts';
import { seeded } from '../support/prng.ts';
import { until } from '../support/until.ts';

const firstRows = 60_000;
const { below } = seeded(11);
let fleet: ChaosFleet;

/** With rows flowing. */
async function expectEqualAfter(fault: Fault): Promise<void> {
  fleet.flow.start();
  const { notes } = await fault(fleet, below);
  if (notes !== undefined) console.log(notes);
  const { keys, nonEmpty, mismatches } = await fleet.compare();
  const ended = fleet.slots.flatMap(({ failures }) => failures.slice(-2)).join('\n');
  expect(mismatches.slice(0, 5), `${mismatches.length} mismatches; workers that ended said: ${ended}`).toEqual([]);
  expect(keys).toBeGreaterThan(900);
  expect(nonEmpty).toBeGreaterThan(900);
}

async function committedRecords({ worker }: WorkerSlot): Promise<number> {
  return sumOf(await worker.metric('millrace_changelog_records_total'));
}

beforeAll(async () => {
  fleet = await ChaosFleet.create({ seed: 11, users: 1000, firstRows });
});

afterAll(async () => {
  await fleet.close();
});

describe('recovery', { timeout: 180_000 }, () => {
  test('the connector is killed in its first snapshot, while rows that it has read are changed and deleted', async () => {
    await expectEqualAfter(async () => {
      const [report] = await Promise.all([killInSnapshot(fleet, firstRows), fleet.startWorkers()]);
      return report;
    });
  });

  test('a worker is killed and keeps its disk: its state is reused, and only the end of the changelog is read', async () => {
    const [alone, other] = fleet.slots as [WorkerSlot, WorkerSlot];
    await expectEqualAfter(async () => {
      expect(await other.drain()).toBe(0);
      await fleet.untilTakenOver(alone);
      const written = await committedRecords(alone);
      await until('it has written more', async () => (await committedRecords(alone)) > written + 1000);
      await alone.kill({ loseDisk: false });
      await alone.start();
      await fleet.untilTakenOver(alone);
      const { fromDisk, records } = await restoresOf(alone.worker);
      expect(fromDisk).toBe(fleet.tasks);
      expect(alone.worker.logged('state on disk reused, the rest read from the changelog')).toHaveLength(fleet.tasks);
      expect(records, 'of more than a thousand written last, and many before').toBeLessThan(1000);
      await other.start();
      await fleet.untilBalanced();
      return {};
    });
  });

  test('a worker is killed and its disk is lost', async () => {
    await expectEqualAfter(killed(true));
  });

  test('a worker is frozen, another takes over, and it wakes up', async () => {
    await expectEqualAfter(frozen);
  });

  test('Kafka is restarted: tasks go on, though the leaders of their partitions are in a new epoch', async () => {
    await expectEqualAfter(kafkaRestarted);
  });

  test('Redis is flushed', async () => {
    await expectEqualAfter(redisFlushed);
  });

  test('the object store is away for a while', async () => {
    await expectEqualAfter(s3Away(8000));
  });
});
