/**
 * Crashes on real components, with rows flowing; after each everything equals SQL: Redis, feature log and Parquet. The short form of
 * `npm run chaos`. The tests are one story and run in order.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ChaosFleet } from '../chaos/chaos-fleet.ts';
import { faults, killInSnapshot, restores, s3Away } from '../chaos/faults.ts';
import { seeded } from '../support/prng.ts';
import { until } from '../support/until.ts';

const firstRows = 60_000;
const { below } = seeded(11);
let fleet: ChaosFleet;

async function expectEqual(): Promise<void> {
  const { keys, nonEmpty, mismatches } = await fleet.compare();
  expect(mismatches.slice(0, 5), `${mismatches.length} mismatches`).toEqual([]);
  expect(keys).toBeGreaterThan(900);
  expect(nonEmpty).toBeGreaterThan(900);
}

beforeAll(async () => {
  fleet = await ChaosFleet.create({ seed: 11, users: 1000, window_ms: 3_600_000, firstRows });
});

afterAll(async () => {
  await fleet.close();
});

describe('recovery', { timeout: 180_000 }, () => {
  test('the connector is killed in its first snapshot, while rows that it has read are changed and deleted', async () => {
    await Promise.all([killInSnapshot(fleet, firstRows), fleet.startWorkers()]);
    fleet.flow.start();
    await expectEqual();
  });

  test('a worker is killed and keeps its disk: its state is reused, and only the end of the changelog is read', async () => {
    const [alone, other] = fleet.slots as [ChaosFleet['slots'][0], ChaosFleet['slots'][0]];
    expect(await other.drain()).toBe(0);
    await until('one worker has it all', () => alone.owns(fleet.tasks), 60_000, 50);
    await until(
      'it has committed',
      async () => ((await alone.worker.metric('millrace_commits_total')).get('result="committed"') ?? 0) > 3,
    );
    await alone.kill({ loseDisk: false });
    await alone.start();
    await until('it is back', () => alone.owns(fleet.tasks), 60_000, 50);
    const back = restores(alone);
    expect(back.map(({ from }) => from)).toEqual(Array.from({ length: fleet.tasks }, () => 'disk'));
    expect((await alone.worker.metric('millrace_restores_total')).get('from="disk"')).toBe(fleet.tasks);
    expect((await alone.worker.metric('millrace_state_wiped_total')).get('') ?? 0).toBe(0);
    const records = (await alone.worker.metric('millrace_restored_records_total')).get('') ?? 0;
    expect(records, 'of more than a thousand keys').toBeLessThan(900);
    await other.start();
    await fleet.untilBalanced();
    await expectEqual();
  });

  test('a worker is killed and its disk is lost', async () => {
    await faults['worker killed, disk lost'](fleet, below);
    await expectEqual();
  });

  test('a worker is frozen, another takes over, and it wakes up', async () => {
    await faults['worker frozen'](fleet, below);
    await expectEqual();
  });

  test('Redis is flushed', async () => {
    await faults['redis flushed'](fleet, below);
    await expectEqual();
  });

  test('the object store is away for a while', async () => {
    await s3Away(8000)(fleet, below);
    await expectEqual();
  });
});
