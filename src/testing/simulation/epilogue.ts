/** What a healed fleet must do beside being right: keep right while only time passes, and stop at a frame that is missing. */
import { decodeEntityFrame } from '../../frames/row-frame.ts';
import { entityLogTopic } from '../../worker/topics.ts';
import { onlineDifferences } from './check-online.ts';
import { TimeWitness } from './check-time.ts';
import type { NaiveOracle } from './naive-oracle.ts';
import { application, type World } from './world.ts';

/** Longer than the longest window. */
const quiet_ms = 66_000;
const settle_ms = 8_000;
const look_ms = 1_500;
/** A heartbeat is trusted a minute later, and rows may be older than their commit by `outOfOrderness`; the rest until marks are told. */
const heartbeatLag_us = 66_000_000;
const noticed_ms = 12_000;

/** @returns a line for each value that does not fall in time, and for each data mark that stands still. */
export async function quietViolations(world: World, oracle: NaiveOracle): Promise<string[]> {
  const { clock } = world;
  await clock.runFor(settle_ms);
  for (let passed_ms = 0; passed_ms < quiet_ms; passed_ms += look_ms) {
    await clock.runFor(look_ms);
    const differences = await onlineDifferences(world, oracle);
    if (differences.length > 0) return differences.map((difference) => `I7: ${difference}`);
  }
  const { entity } = world;
  const log = await world.records(entityLogTopic(application, entity));
  return log.flatMap((records, partition) => {
    const time = new TimeWitness(entity, world.connector.published, []);
    for (const { value } of records) time.take(decodeEntityFrame(value!, entity));
    const behind_us = clock.now_ms() * 1000 - time.marks.data_us;
    if (behind_us < heartbeatLag_us) return [];
    return [`I7: the data mark of partition ${partition} is ${behind_us / 1e6} s old, and heartbeats come`];
  });
}

/**
 * A frame is left out: the task has to notice. Nothing is right afterwards. Not if the ingest's session happens to end right behind it,
 * which no task can tell from a frame that never was: then another is left out.
 */
export async function holeViolations({ clock, faults, workload }: World): Promise<string[]> {
  const noticed = (): boolean => faults.hole === 'noticed';
  workload.start();
  for (let attempt = 0; attempt < 3 && !noticed(); attempt++) {
    faults.hole = 'wanted';
    const end_ms = clock.monotonic_ms() + noticed_ms;
    await clock.run(() => noticed() || clock.monotonic_ms() > end_ms);
  }
  workload.stop();
  return noticed() ? [] : ['I10: a frame is missing, and no task has stopped'];
}
