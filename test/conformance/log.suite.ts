/** What every Log does. Run on an adapter by its own test file. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { GroupConsumer, GroupHandlers, Log, LogProducer, LogRecord, TopicPartition } from '../../src/log/log.ts';
import { bytes, idOf, Member, partitionsOf, text, uniqueName, numbers } from '../support/log-member.ts';
import { until } from '../support/until.ts';

export interface LogUnderTest {
  readonly log: Log;
  /** A new topic, by its name. */
  topic(partitions: number): Promise<string>;
  close(): Promise<void>;
}

export function logSuite(create: () => Promise<LogUnderTest>): void {
  let under: LogUnderTest;
  let producer: LogProducer;
  const produceFailures: Error[] = [];
  const members: Member[] = [];
  const closers: (() => Promise<void>)[] = [];

  beforeAll(async () => {
    under = await create();
    producer = await under.log.producer({ name: 'suite', failed: (error) => produceFailures.push(error) });
  });
  afterEach(async () => {
    for (const member of members.splice(0)) {
      await member.consumer!.close();
      expect(member.failures).toEqual([]);
    }
    for (const close of closers.splice(0)) await close();
    expect(produceFailures).toEqual([]);
  });
  afterAll(async () => {
    await producer.close();
    await under.close();
  });

  const join = async (group: string, topics: readonly string[], set: Partial<Member> = {}, batch_records?: number) => {
    const member = Object.assign(new Member(), set);
    await member.join(under.log, group, topics, batch_records);
    members.push(member);
    return member;
  };
  const append = async (topic: string, partition: number, values: readonly string[]): Promise<void> => {
    for (const value of values) producer.append(topic, partition, null, bytes(value));
    await producer.flush();
  };

  describe('topics', () => {
    test('are created once, described with a stable id; the missing are not there', async () => {
      const name = uniqueName('created');
      const spec = { name, partitions: 3, config: { 'cleanup.policy': 'compact' } };
      await under.log.ensureTopics([spec]);
      const first = await under.log.describeTopics([name, uniqueName('missing')]);
      await under.log.ensureTopics([spec]);
      const second = await under.log.describeTopics([name]);
      expect([...first.keys()]).toEqual([name]);
      expect(first.get(name)).toEqual({ name, id: expect.stringMatching(/^[0-9a-f]{32}$/), partitions: 3 });
      expect(second.get(name)).toEqual(first.get(name));
      expect(await under.log.describeTopics([])).toEqual(new Map());
      expect((await under.log.topicNames()).filter((each) => each === name)).toEqual([name]);
    });

    test('another number of partitions is a mismatch', async () => {
      const topic = await under.topic(2);
      await expect(under.log.ensureTopics([{ name: topic, partitions: 4, config: {} }])).rejects.toMatchObject({
        name: 'FatalError',
        code: 'topic-mismatch',
        message: expect.stringMatching(new RegExp(`${topic}.*2.*4`)),
      });
    });
  });

  describe('members of a group', () => {
    test('each with what it owns; none of a group that nobody has joined, or that all have left', async () => {
      const topic = await under.topic(4);
      const group = uniqueName('g');
      expect(await under.log.groupMembers(group)).toEqual([]);
      const first = await join(group, [topic]);
      const second = await join(group, [topic]);
      await until('they share', () => first.owned.size === 2 && second.owned.size === 2);
      const found = await under.log.groupMembers(group);
      const owned = [first, second].map((member) => [...member.owned.keys()].sort());
      expect(found.map(({ partitions }) => partitions.map(idOf).sort()).sort()).toEqual(owned.sort());
      expect(found.map(({ isOwn }) => isOwn)).toEqual([false, false]);
      for (const member of [first, second]) await member.consumer!.close();
      expect(await under.log.groupMembers(group)).toEqual([]);
    });
  });

  describe('offsets of a group', () => {
    test('asked by somebody who is not in it: what was committed, with its metadata, and null for the rest', async () => {
      const topic = await under.topic(2);
      const group = uniqueName('g');
      const partitions = [0, 1].map((partition) => ({ topic, partition }));
      expect(await under.log.groupOffsets(group, partitions)).toEqual([null, null]);
      expect(await under.log.groupOffsets(group, [])).toEqual([]);
      const member = await join(group, [topic]);
      await until('it owns both', () => member.owned.size === 2);
      const committed = { topic, partition: 1, offset: 0, metadata: 'told' };
      await member.consumer!.commit([committed]);
      expect(await under.log.groupOffsets(group, partitions)).toEqual([null, committed]);
      // One time in twenty others did not see it yet, when a commit was done as soon as it was queued.
      for (let offset = 1; offset < 100; offset++) {
        await member.consumer!.commit([{ ...committed, offset }]);
        expect(await under.log.groupOffsets(group, partitions)).toEqual([null, { ...committed, offset }]);
      }
      await member.consumer!.commit([committed]);
      await member.consumer!.close();
      expect(await under.log.groupOffsets(group, partitions.toReversed())).toEqual([committed, null]);
    });
  });

  describe('records', () => {
    test('keys, values, tombstones and empty ones come as they were appended', async () => {
      const topic = await under.topic(1);
      const before_ms = Date.now();
      producer.append(topic, 0, bytes('k'), bytes('v'));
      producer.append(topic, 0, null, bytes('no key'));
      producer.append(topic, 0, bytes('k'), null);
      producer.append(topic, 0, bytes('k'), Buffer.alloc(0));
      producer.append(topic, 0, Buffer.alloc(0), new Uint8Array([0, 255]));
      await producer.flush();
      expect(producer.pending_bytes).toBe(0);
      const member = await join(uniqueName('g'), [topic]);
      await until(
        () => `5 records: ${member.describe()}`,
        () => member.records.length === 5,
      );
      expect(member.records.map(({ key, value }) => [key && [...key], value && [...value]])).toEqual([
        [[107], [118]],
        [null, [...bytes('no key')]],
        [[107], null],
        [[107], []],
        [[], [0, 255]],
      ]);
      expect(member.records.map(({ offset }) => offset)).toEqual([0, 1, 2, 3, 4]);
      for (const { timestamp_ms } of member.records) {
        expect(timestamp_ms).toBeGreaterThanOrEqual(before_ms - 1);
        expect(timestamp_ms).toBeLessThanOrEqual(Date.now() + 1);
      }
    });

    test('a backlog of 20,000 comes in order per partition, none missing, none twice, batches within the limit', async () => {
      const topic = await under.topic(4);
      for (let i = 0; i < 20_000; i += 1) producer.append(topic, i % 4, null, bytes(String(i)));
      await producer.flush();
      const sizes: number[] = [];
      const member = await join(uniqueName('g'), [topic], { onBatch: (batch) => void sizes.push(batch.length) }, 500);
      await until(
        () => `20,000 records: ${member.describe()}`,
        () => member.records.length >= 20_000,
      );
      for (const at of partitionsOf(topic, 4)) {
        const expected = Array.from({ length: 5000 }, (_, i) => String(i * 4 + at.partition));
        expect(member.texts(at)).toEqual(expected);
      }
      expect(Math.max(...sizes)).toBeLessThanOrEqual(500);
    });

    test('appended while a member reads: it gets them', async () => {
      const topic = await under.topic(1);
      const member = await join(uniqueName('g'), [topic]);
      await until('owned', () => member.owned.size === 1);
      for (const value of numbers(0, 20)) {
        await append(topic, 0, [value]);
        await until(value, () => member.records.length === Number(value) + 1);
      }
      expect(member.texts()).toEqual(numbers(0, 20));
    });
  });

  describe('offsets', () => {
    test('commit and its metadata of 3,000 bytes round-trip; null where there is none', async () => {
      const topic = await under.topic(2);
      const group = uniqueName('g');
      const member = await join(group, [topic]);
      await until('owned', () => member.owned.size === 2);
      const metadata = 'é'.repeat(1500);
      const [first, second] = partitionsOf(topic, 2);
      await append(topic, 0, numbers(0, 10));
      await member.consumer!.commit([{ ...first!, offset: 7, metadata }]);
      expect(await member.consumer!.committed([second!, first!])).toEqual([null, { ...first, offset: 7, metadata }]);
      await member.consumer!.commit([{ ...first!, offset: 8 }]);
      expect((await member.consumer!.committed([first!]))[0]).toMatchObject({ ...first, offset: 8 });
    });

    test('a member restarts at the committed offset, and at the beginning where there is none', async () => {
      const topic = await under.topic(2);
      const group = uniqueName('g');
      const [first, second] = partitionsOf(topic, 2);
      await append(topic, 0, numbers(0, 10));
      await append(topic, 1, numbers(100, 103));
      const before = await join(group, [topic]);
      await until(
        () => `13 records: ${before.describe()}`,
        () => before.records.length === 13,
      );
      await before.consumer!.commit([{ ...first!, offset: 6 }]);
      await before.consumer!.close();
      const after = await join(group, [topic]);
      await until(
        () => `7 records: ${after.describe()}`,
        () => after.records.length === 7,
      );
      expect(after.texts(first)).toEqual(numbers(6, 10));
      expect(after.texts(second)).toEqual(numbers(100, 103));
    });

    test('the offsets of assigned win over the committed; what is not named starts at the committed', async () => {
      const topic = await under.topic(3);
      const group = uniqueName('g');
      const all = partitionsOf(topic, 3);
      for (const { partition } of all) await append(topic, partition, numbers(0, 10));
      const before = await join(group, [topic]);
      await until(
        () => `30 records: ${before.describe()}`,
        () => before.records.length === 30,
      );
      await before.consumer!.commit(all.slice(0, 2).map((at) => ({ ...at, offset: 8 })));
      await before.consumer!.close();
      const after = await join(group, [topic], { starts: () => [{ ...all[0]!, offset: 3 }] });
      await until(
        () => `19 records: ${after.describe()}`,
        () => after.records.length === 19,
      );
      expect(after.texts(all[0])).toEqual(numbers(3, 10));
      expect(after.texts(all[1])).toEqual(numbers(8, 10));
      expect(after.texts(all[2])).toEqual(numbers(0, 10));
    });

    test('assigned may ask for committed, beginning and end, and may commit', async () => {
      const topic = await under.topic(1);
      const group = uniqueName('g');
      const [at] = partitionsOf(topic, 1);
      await append(topic, 0, numbers(0, 4));
      const answers: unknown[] = [];
      const member = new Member();
      const handlers: GroupHandlers = {
        ...member.handlers,
        assigned: async (partitions) => {
          await member.handlers.assigned(partitions);
          const consumer = member.consumer!;
          answers.push(await consumer.committed(partitions));
          answers.push(await consumer.beginningOffsets(partitions), await consumer.endOffsets(partitions));
          await consumer.commit([{ ...at!, offset: 2, metadata: 'session 1' }]);
          return [];
        },
      };
      member.consumer = await under.log.groupConsumer({ group, topics: [topic], handlers });
      members.push(member);
      await until(
        () => `2 records: ${member.describe()}`,
        () => member.records.length === 2,
      );
      expect(answers).toEqual([[null], [0], [4]]);
      expect(member.texts()).toEqual(numbers(2, 4));
    });

    test('position reaches the end offset when all is delivered, also where there is nothing', async () => {
      const topic = await under.topic(2);
      const all = partitionsOf(topic, 2);
      const member = await join(uniqueName('g'), [topic]);
      const consumer = member.consumer!;
      const reached = async (): Promise<boolean> => {
        const ends = await consumer.endOffsets(all);
        return all.every((at, i) => (consumer.position(at) ?? -1) >= ends[i]!);
      };
      expect(consumer.position(all[0]!)).toBeNull();
      expect(await consumer.endOffsets(all)).toEqual([0, 0]);
      expect(await consumer.beginningOffsets(all)).toEqual([0, 0]);
      await until('the empty end', reached);
      await append(topic, 0, numbers(0, 500));
      await until('the end', async () => {
        if (!(await reached())) return false;
        expect(member.records.length).toBe(500);
        return true;
      });
      expect(all.map((at) => consumer.position(at))).toEqual([500, 0]);
    });
  });

  describe('pause', () => {
    test('nothing of a paused partition comes, the others go on; after resume nothing is missing or twice', async () => {
      const topic = await under.topic(2);
      const [first, second] = partitionsOf(topic, 2);
      let pausedAt = -1;
      const onBatch = function (this: Member): void {
        if (pausedAt !== -1 || this.texts(first).length === 0) return;
        pausedAt = this.texts(first).length;
        this.consumer!.pause([first!]);
      };
      await append(topic, 0, numbers(0, 3000));
      const member = await join(uniqueName('g'), [topic], { onBatch }, 100);
      await until('paused', () => pausedAt !== -1);
      await append(topic, 0, numbers(3000, 3100));
      await append(topic, 1, numbers(0, 2000));
      await until('the other partition', () => member.texts(second).length === 2000);
      expect(member.texts(first)).toEqual(numbers(0, pausedAt));
      expect(member.consumer!.position(first!)).toBe(pausedAt);
      member.consumer!.resume([first!]);
      await until('the rest', () => member.texts(first).length >= 3100);
      expect(member.texts(first)).toEqual(numbers(0, 3100));
    });

    test('pausing and resuming over and over, between batches and within them, changes nothing', async () => {
      const topic = await under.topic(2);
      const all = partitionsOf(topic, 2);
      let batches = 0;
      const flip = (consumer: GroupConsumer, at: TopicPartition): void => {
        consumer.pause([at]);
        setTimeout(() => {
          consumer.resume([at]);
        }, batches % 4);
      };
      const onBatch = function (this: Member): void {
        batches += 1;
        const consumer = this.consumer!;
        if (batches % 5 === 0) flip(consumer, all[batches % 2]!);
        if (batches % 7 === 0) {
          setTimeout(() => {
            flip(consumer, all[0]!);
          }, 0);
        }
      };
      for (const { partition } of all) await append(topic, partition, numbers(0, 4000));
      const member = await join(uniqueName('g'), [topic], { onBatch }, 100);
      await until(
        () => `8,000 records: ${member.describe()}`,
        () => member.records.length >= 8000,
      );
      for (const at of all) expect(member.texts(at)).toEqual(numbers(0, 4000));
    });
  });

  describe('reader', () => {
    test('reads from an offset and from the end; assign replaces what is read', async () => {
      const topic = await under.topic(3);
      const all = partitionsOf(topic, 3);
      for (const { partition } of all) await append(topic, partition, numbers(0, 10));
      const seen: LogRecord[] = [];
      const failures: Error[] = [];
      const of = (at: TopicPartition): (string | null)[] =>
        seen.filter((record) => idOf(record) === idOf(at)).map(({ value }) => text(value));
      const reader = await under.log.reader({
        batch: (records) => void seen.push(...records),
        failed: (error) => void failures.push(error),
      });
      closers.push(() => reader.close());
      await reader.assign([
        { ...all[0]!, offset: 4 },
        { ...all[1]!, offset: 'end' },
      ]);
      for (const { partition } of all) await append(topic, partition, numbers(10, 12));
      await until('8 + 2 records', () => of(all[0]!).length === 8 && of(all[1]!).length === 2);
      expect(of(all[0]!)).toEqual(numbers(4, 12));
      expect(of(all[1]!)).toEqual(numbers(10, 12));
      expect(await reader.endOffsets(all)).toEqual([12, 12, 12]);
      expect(await reader.beginningOffsets(all)).toEqual([0, 0, 0]);
      seen.length = 0;
      await reader.assign([
        { ...all[2]!, offset: 11 },
        { ...all[0]!, offset: 0 },
      ]);
      await append(topic, 1, ['nobody reads this']);
      await append(topic, 2, ['12']);
      await until('2 + 12 records', () => of(all[2]!).length === 2 && of(all[0]!).length === 12);
      expect(of(all[0]!)).toEqual(numbers(0, 12));
      expect(of(all[1]!)).toEqual([]);
      await reader.assign([]);
      expect(failures).toEqual([]);
    });
  });
}
