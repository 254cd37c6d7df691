/** A restore that a transaction keeps waiting says on which partition. */
import { expect, test } from 'vitest';
import type { Logger } from '../../../src/observability/logger.ts';
import { silentLogger } from '../../../src/observability/logger.ts';
import { UndecidedTransactions } from '../../../src/worker/undecided-transactions.ts';
import { SteppedClock } from '../../support/stepped-clock.ts';

const clear = { topic: 'changelog', partition: 0, end: 20 };
const kept = { topic: 'changelog', partition: 1, end: 20 };

function restore(
  stable: { ends: readonly number[] },
  asked: () => void = () => undefined,
): {
  readonly positions: Map<number, number>;
  readonly said: unknown[];
  readonly pass: (time_ms: number) => Promise<void>;
} {
  const clock = new SteppedClock(0);
  const positions = new Map([
    [0, 0],
    [1, 0],
  ]);
  const said: unknown[] = [];
  const logger: Logger = { ...silentLogger, warn: (fields) => said.push(fields) };
  const reader = {
    position: ({ partition }: { partition: number }) => positions.get(partition)!,
    endOffsets: (partitions: readonly { partition: number }[]) => {
      asked();
      return Promise.resolve(partitions.map(({ partition }) => stable.ends[partition]!));
    },
  };
  const undecided = new UndecidedTransactions({ reader, clock, logger });
  clock.every(100, () => {
    undecided.look([clear, kept].filter(({ partition, end }) => positions.get(partition)! < end));
  });
  return { positions, said, pass: (time_ms) => clock.pass(time_ms) };
}

test('the partition that is kept back is named, and again after a minute', async () => {
  const { positions, said, pass } = restore({ ends: [20, 7] });
  positions.set(0, 20);
  positions.set(1, 7);
  await pass(9_000);
  expect(said).toEqual([]);
  await pass(2_000);
  expect(said).toEqual([{ partitions: ['changelog/1 at offset 7'] }]);
  await pass(60_000);
  expect(said).toHaveLength(2);
});

test('a restore that is slow, or reads on, is not reported', async () => {
  const { positions, said, pass } = restore({ ends: [20, 20] });
  for (let read = 0; read < 20; read++) {
    positions.set(1, read);
    await pass(9_000);
  }
  expect(said).toEqual([]);
});

test('what the log still has to hand over is not kept back', async () => {
  const { said, pass } = restore({ ends: [20, 7] });
  await pass(30_000);
  expect(said).toEqual([]);
});

test('what was read while the log was asked is not kept back', async () => {
  const stable = { ends: [20, 20] };
  const { positions, said, pass } = restore(stable, () => positions.set(1, 20));
  positions.set(0, 20);
  await pass(30_000);
  expect(said).toEqual([]);
});
