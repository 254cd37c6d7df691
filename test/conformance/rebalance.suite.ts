/** How every Log shares partitions among the members of a group. Run on an adapter by its own test file. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { LogProducer, TopicPartition } from '../../src/log/log.ts';
import { bytes, idOf, Member, numbers, partitionsOf, uniqueName } from '../support/log-member.ts';
import { until } from '../support/until.ts';
import type { LogUnderTest } from './log.suite.ts';

export function rebalanceSuite(create: () => Promise<LogUnderTest>): void {
  let under: LogUnderTest;
  let producer: LogProducer;
  const produceFailures: Error[] = [];
  const members: Member[] = [];

  beforeAll(async () => {
    under = await create();
    producer = await under.log.producer({ name: 'suite', failed: (error) => produceFailures.push(error) });
  });
  afterEach(async () => {
    for (const member of members.splice(0)) {
      await member.consumer!.close();
      expect(member.failures).toEqual([]);
    }
    expect(produceFailures).toEqual([]);
  });
  afterAll(async () => {
    await producer.close();
    await under.close();
  });

  const join = async (group: string, topics: readonly string[], set: Partial<Member> = {}) => {
    const member = Object.assign(new Member(), set);
    await member.join(under.log, group, topics);
    members.push(member);
    return member;
  };
  const append = async (topic: string, partition: number, values: readonly string[]): Promise<void> => {
    for (const value of values) producer.append(topic, partition, null, bytes(value));
    await producer.flush();
  };

  describe('rebalance', () => {
    test('a second member takes a share, the first keeps the rest; with commits on revoked nothing is lost or repeated', async () => {
      const topic = await under.topic(4);
      const group = uniqueName('g');
      const committing = (member: Member) => (partitions: readonly TopicPartition[]) => member.commitAll(partitions);
      const first = new Member();
      first.beforeRelease = committing(first);
      await first.join(under.log, group, [topic]);
      members.push(first);
      await until('all owned', () => first.owned.size === 4);
      const kept = new Set(first.owned.keys());

      let sent = 0;
      let stopped = false;
      const send = async (): Promise<void> => {
        while (!stopped) {
          for (let i = 0; i < 40; i += 1, sent += 1) producer.append(topic, sent % 4, null, bytes(String(sent)));
          await producer.flush();
          await new Promise((resolve) => setTimeout(resolve, 2));
        }
      };
      const sending = send();
      const second = new Member();
      second.beforeRelease = committing(second);
      await second.join(under.log, group, [topic]);
      members.push(second);
      await until('shared', () => first.owned.size === 2 && second.owned.size === 2);
      for (const id of first.owned.keys()) expect(kept.has(id)).toBe(true);
      await until('the second reads', () => second.records.length > 200);
      const before = first.records.length;
      await until('the first goes on with what it kept', () => first.records.length > before + 200);
      await second.consumer!.close();
      expect(second.owned.size).toBe(0);
      await until('back', () => first.owned.size === 4);
      stopped = true;
      await sending;
      await until('everything', () => first.records.length + second.records.length >= sent);
      for (const at of partitionsOf(topic, 4)) {
        const records = [...first.records, ...second.records].filter((record) => idOf(record) === idOf(at));
        records.sort((a, b) => a.offset - b.offset);
        expect(records.map(({ offset }) => offset)).toEqual(numbers(0, sent / 4).map(Number));
      }
      expect(first.events).not.toContain('lost');
    });

    test('a member that leaves while another joins: a partition is given up before the next member has it', async () => {
      const topic = await under.topic(4);
      const group = uniqueName('g');
      const holders = new Map<string, Member>();
      const twice: string[] = [];
      const joinSlowly = async (): Promise<Member> => {
        const member = new Member();
        member.starts = (partitions) => {
          for (const id of partitions.map(idOf)) {
            if (holders.has(id)) twice.push(id);
            holders.set(id, member);
          }
          return [];
        };
        member.beforeRelease = async (partitions) => {
          await new Promise((resolve) => setTimeout(resolve, 50));
          for (const at of partitions) holders.delete(idOf(at));
        };
        await member.join(under.log, group, [topic]);
        members.push(member);
        return member;
      };
      const first = await joinSlowly();
      const second = await joinSlowly();
      await until('shared', () => first.owned.size === 2 && second.owned.size === 2);
      const third = await joinSlowly();
      await first.consumer!.close();
      await until('taken over', () => second.owned.size === 2 && third.owned.size === 2);
      expect(twice).toEqual([]);
    });

    test('close calls revoked for what is owned, and a commit in it is kept', async () => {
      const topic = await under.topic(2);
      const group = uniqueName('g');
      const member = new Member();
      member.beforeRelease = (partitions) => member.commitAll(partitions);
      await append(topic, 0, numbers(0, 5));
      await append(topic, 1, numbers(0, 5));
      await member.join(under.log, group, [topic]);
      members.push(member);
      await until(
        () => `10 records: ${member.describe()}`,
        () => member.records.length === 10,
      );
      await Promise.all([member.consumer!.close(), member.consumer!.close()]);
      expect(member.events.filter((event) => event === 'revoked')).toHaveLength(1);
      expect(member.owned.size).toBe(0);
      const next = await join(group, [topic]);
      await until('owned', () => next.owned.size === 2);
      expect((await next.consumer!.committed(partitionsOf(topic, 2))).map((offset) => offset?.offset)).toEqual([5, 5]);
    });

    test('a batch handler that fails ends the consumer with that error, once', async () => {
      const topic = await under.topic(1);
      const boom = new Error('boom');
      let calls = 0;
      const member = await join(uniqueName('g'), [topic], {
        onBatch: () => {
          calls += 1;
          throw boom;
        },
      });
      await append(topic, 0, numbers(0, 10));
      await until('failed', () => member.failures.length > 0);
      await append(topic, 0, numbers(10, 20));
      await member.consumer!.close();
      expect(member.failures.splice(0)).toEqual([boom]);
      expect(calls).toBe(1);
    });
  });
}
