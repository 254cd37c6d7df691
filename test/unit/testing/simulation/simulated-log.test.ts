/** What a process sees of its groups when it was frozen. */
import { expect, test } from 'vitest';
import { createMemoryLog } from '../../../../src/log/memory/memory-log.ts';
import { Faults } from '../../../../src/testing/simulation/faults.ts';
import { Random } from '../../../../src/testing/simulation/random.ts';
import { SimulatedLog } from '../../../../src/testing/simulation/simulated-log.ts';
import { SimulatedProcess } from '../../../../src/testing/simulation/simulated-process.ts';
import { VirtualClock } from '../../../../src/testing/simulation/virtual-clock.ts';
import { writtenEntity } from '../../../../src/testing/simulation/simulated-views.ts';
import { planOf } from '../../../../src/testing/simulation/defined-views.ts';
import { Member } from '../../../support/log-member.ts';

test('a loss comes before no assignment: one that waited for a frozen process, and was lost meanwhile, is never heard of', async () => {
  const random = new Random(1);
  const clock = new VirtualClock({ start_ms: Date.UTC(2026, 0, 1), random: random.fork('clock'), jitter_ms: 0.5 });
  const log = createMemoryLog({ clock });
  await log.ensureTopics([{ name: 'topic', partitions: 1, config: {} }]);
  const faults = new Faults(random);
  faults.end();
  const world = { log, clock, random, faults, entity: planOf(writtenEntity, 'db').entities[0]! };
  const join = async (name: string): Promise<{ process: SimulatedProcess; seen: SimulatedLog; member: Member }> => {
    const process = new SimulatedProcess(name, clock, random.fork(name));
    const seen = new SimulatedLog(process, world);
    const member = new Member();
    await clock.settle(member.join(seen.log, 'group', ['topic']));
    return { process, seen, member };
  };

  const first = await join('first');
  await clock.run(() => first.member.owned.size === 1);
  const frozen = await join('frozen');
  await clock.runFor(10);

  // The group gives it the partition, and then goes on without it.
  frozen.process.freeze();
  await clock.settle(first.member.consumer!.close());
  frozen.seen.silent();
  const heir = await join('heir');
  await clock.run(() => heir.member.owned.size === 1);

  frozen.process.thaw();
  frozen.seen.heard();
  await clock.runFor(100);
  expect(frozen.member.events).toEqual([]);
  expect([frozen.member.owned.size, heir.member.owned.size]).toEqual([0, 1]);
});
