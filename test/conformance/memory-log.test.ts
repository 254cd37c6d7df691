/** What the memory log does beyond the port: it fails as Kafka does, when it is told to. */
import { expect, test } from 'vitest';
import type { CommitStep } from '../../src/log/memory/memory-transactor.ts';
import { createMemoryLog, type MemoryLog } from '../../src/log/memory/memory-log.ts';
import type { MemoryMember } from '../../src/log/memory/memory-member.ts';
import { systemClock } from '../../src/time/clock.ts';
import { bytes, Member, numbers, partitionsOf, uniqueName } from '../support/log-member.ts';
import { until } from '../support/until.ts';

async function topicOf(log: MemoryLog, partitions: number, records = 0): Promise<string> {
  const name = uniqueName('topic');
  await log.ensureTopics([{ name, partitions, config: {} }]);
  const producer = await log.producer({ name: 'fill', failed: () => undefined });
  for (const value of numbers(0, records)) producer.append(name, 0, null, bytes(value));
  return name;
}

/** Holds every transaction at one step until it is let go. */
class Gate {
  readonly reached: CommitStep[] = [];
  private open: () => void = () => undefined;
  private readonly held = new Promise<void>((resolve) => (this.open = resolve));
  private readonly at: CommitStep;

  constructor(at: CommitStep) {
    this.at = at;
  }

  readonly step = (step: CommitStep): Promise<void> => {
    this.reached.push(step);
    return step === this.at ? this.held : Promise.resolve();
  };

  letGo(): void {
    this.open();
  }
}

test('a member whose session expired: the group goes on without it, refuses its commits, and takes it back when it hears of it', async () => {
  const log = createMemoryLog({ clock: systemClock });
  const topic = await topicOf(log, 2, 3);
  const [first, second] = [new Member(), new Member()];
  await first.join(log, 'g', [topic]);
  await until('owned', () => first.owned.size === 2);
  await second.join(log, 'g', [topic]);
  await until('shared', () => first.owned.size === 1 && second.owned.size === 1);
  const silent = first.consumer as MemoryMember;
  silent.expire();
  await until('taken over', () => second.owned.size === 2);
  expect(first.events).not.toContain('lost');
  const [at] = [...first.owned.values()];
  await expect(silent.commit([{ ...at!, offset: 1 }])).rejects.toMatchObject({ code: 'task-lost' });
  silent.rejoin();
  expect(first.events.at(-1)).toBe('lost');
  await until('shared again', () => first.owned.size === 1 && second.owned.size === 1);
  await first.consumer!.close();
  await second.consumer!.close();
});

test('a member that never gives up its partitions holds a rebalance up until its session expires', async () => {
  const log = createMemoryLog({ clock: systemClock });
  const topic = await topicOf(log, 2);
  const first = new Member();
  first.beforeRelease = () => new Promise(() => undefined);
  await first.join(log, 'g', [topic]);
  await until('owned', () => first.owned.size === 2);
  const second = await new Member().join(log, 'g', [topic]);
  await until('asked', () => first.events.includes('revoked'));
  expect(second.owned.size).toBe(0);
  (first.consumer as MemoryMember).expire();
  await until('taken over', () => second.owned.size === 2);
  await second.consumer!.close();
});

test('records behind an open transaction wait, committed offsets wait, and the end differs from the high water', async () => {
  const gate = new Gate('prepared');
  const log = createMemoryLog({ clock: systemClock, step: gate.step });
  const [source, target] = [await topicOf(log, 1, 1), await topicOf(log, 1)];
  const member = await new Member().join(log, 'g', [source]);
  await until('read', () => member.records.length === 1);
  const transactor = await log.transactor({ name: 't', failed: () => undefined });
  const [at] = partitionsOf(source, 1);
  const committing = transactor.commit(
    member.consumer!,
    [{ topic: target, partition: 0, key: null, value: bytes('x') }],
    [{ ...at!, offset: 1 }],
  );
  await until('prepared', () => gate.reached.includes('prepared'));
  const reader = await log.reader({ batch: () => undefined, failed: () => undefined });
  const to = partitionsOf(target, 1);
  expect([await reader.endOffsets(to), await reader.highWaters(to)]).toEqual([[0], [1]]);
  let committed: unknown = 'waiting';
  const asking = member.consumer!.committed([at!]).then((offsets) => (committed = offsets));
  await until('a turn', () => true);
  expect(committed).toBe('waiting');
  gate.letGo();
  expect(await committing).toEqual([0]);
  await asking;
  expect(committed).toEqual([{ ...at, offset: 1 }]);
  expect([await reader.endOffsets(to), await reader.highWaters(to)]).toEqual([[2], [2]]);
  await reader.close();
  await member.consumer!.close();
});

test.each(['begun', 'produced'] as const)(
  'a partition that leaves while a commit is %s: nothing of it counts',
  async (step) => {
    const gate = new Gate(step);
    const log = createMemoryLog({ clock: systemClock, step: gate.step });
    const [source, target] = [await topicOf(log, 1, 1), await topicOf(log, 1)];
    const member = await new Member().join(log, 'g', [source]);
    await until('read', () => member.records.length === 1);
    const transactor = await log.transactor({ name: 't', failed: () => undefined });
    const [at] = partitionsOf(source, 1);
    const committing = transactor.commit(
      member.consumer!,
      [{ topic: target, partition: 0, key: null, value: bytes('x') }],
      [{ ...at!, offset: 1 }],
    );
    await until(step, () => gate.reached.includes(step));
    (member.consumer as MemoryMember).expire();
    // It comes back and owns the same partition again: that is another assignment.
    (member.consumer as MemoryMember).rejoin();
    await until('owned again', () => member.owned.size === 1);
    gate.letGo();
    await expect(committing).rejects.toMatchObject({ code: 'task-lost' });
    expect(await member.consumer!.committed([at!])).toEqual([null]);
    const seen: unknown[] = [];
    const reader = await log.reader({ batch: (records) => void seen.push(...records), failed: () => undefined });
    const [end] = await reader.highWaters(partitionsOf(target, 1));
    await reader.assign([{ topic: target, partition: 0, offset: 0 }]);
    await until('the end', () => reader.position({ topic: target, partition: 0 }) === end);
    expect(seen).toEqual([]);
    await reader.close();
    await member.consumer!.close();
  },
);
