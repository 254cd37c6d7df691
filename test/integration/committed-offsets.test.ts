/** The client says that a commit is queued; what the group has is what counts. */
import { expect, test } from 'vitest';
import type { ConsumerClient, Part } from '../../src/log/kafka/client.ts';
import { CommittedOffsets } from '../../src/log/kafka/committed-offsets.ts';
import type { Offset } from '../../src/log/log.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { endOfTurn } from '../../src/time/clock.ts';
import { SteppedClock } from '../support/stepped-clock.ts';

const goesOn = (): void => undefined;
const offset = (at: number): Offset => ({ topic: 't', partition: 0, offset: at, metadata: `m${at}` });

/** A group that takes commits, or does not. */
class Group {
  takes = true;
  kept: Part = { topic: 't', partition: 0, offset: -1001 };
  readonly asked: number[] = [];
  readonly clock = new SteppedClock(0);
  readonly offsets: CommittedOffsets;

  constructor() {
    const client = {
      commitCb: ([part]: readonly Part[], done: (error: null) => void) => {
        this.asked.push(part!.offset!);
        if (this.takes) this.kept = part!;
        done(null);
      },
      committed: (_: unknown, __: number, done: (error: null, parts: readonly Part[]) => void) => {
        done(null, [this.kept]);
      },
    } as unknown as ConsumerClient;
    const surroundings = { settings: {}, clock: this.clock, logger: silentLogger, startTimeout_ms: 0 };
    this.offsets = new CommittedOffsets({ client, surroundings, group: 'g' });
  }

  async pass(time_ms: number): Promise<void> {
    // What was begun comes to its first timer.
    await endOfTurn();
    await this.clock.pass(time_ms);
  }
}

test('a commit that the group took is made once', async () => {
  const group = new Group();
  await group.offsets.write([offset(5)], goesOn);
  expect(group.asked).toEqual([5]);
  expect(await group.offsets.read([{ topic: 't', partition: 0 }], goesOn)).toEqual([offset(5)]);
});

test('one that it did not take is made again until it does, and a newer one waits for it', async () => {
  const group = new Group();
  group.takes = false;
  const both = Promise.all([group.offsets.write([offset(5)], goesOn), group.offsets.write([offset(6)], goesOn)]);
  await group.pass(500);
  expect(new Set(group.asked)).toEqual(new Set([5]));
  group.takes = true;
  await group.pass(2000);
  await both;
  expect(group.asked.at(-1)).toBe(6);
  expect(group.kept).toEqual(offset(6));
});

test('the same offset with other metadata is another commit', async () => {
  const group = new Group();
  await group.offsets.write([offset(5)], goesOn);
  group.takes = false;
  const again = group.offsets.write([{ ...offset(5), metadata: 'newer' }], goesOn);
  const refused = expect(again).rejects.toMatchObject({ name: 'TaskMigratedError' });
  await group.pass(12_000);
  await refused;
});

test('a group that keeps another offset goes on without this member: said after ten seconds, and the next commit has its turn', async () => {
  const group = new Group();
  group.takes = false;
  const refused = expect(group.offsets.write([offset(5)], goesOn)).rejects.toMatchObject({
    name: 'TaskMigratedError',
    code: 'task-lost',
    message: 'not committed: group g keeps another offset of t/0 than 5',
  });
  await group.pass(9000);
  expect(group.asked.length).toBeGreaterThan(3);
  await group.pass(3000);
  await refused;
  group.takes = true;
  await group.offsets.write([offset(6)], goesOn);
  expect(group.kept).toEqual(offset(6));
});

test('who lost the partition is not asked again', async () => {
  const group = new Group();
  group.takes = false;
  let isLost = false;
  const lost = expect(
    group.offsets.write([offset(5)], () => {
      if (isLost) throw new Error('lost');
    }),
  ).rejects.toThrow('lost');
  await group.pass(100);
  isLost = true;
  const asked = group.asked.length;
  await group.pass(2000);
  await lost;
  expect(group.asked).toHaveLength(asked);
});
