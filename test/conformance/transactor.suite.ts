/** What every Log promises of transactions and of reading anew. Run on an adapter by its own test file. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Append, LogProducer, LogRecord, Transactor } from '../../src/log/log.ts';
import { bytes, idOf, Member, numbers, partitionsOf, text, uniqueName } from '../support/log-member.ts';
import { until } from '../support/until.ts';
import type { LogUnderTest } from './log.suite.ts';

export function transactorSuite(create: () => Promise<LogUnderTest>): void {
  let under: LogUnderTest;
  let producer: LogProducer;
  const failures: Error[] = [];
  const members: Member[] = [];
  const closers: (() => Promise<void>)[] = [];

  beforeAll(async () => {
    under = await create();
    producer = await under.log.producer({ name: 'suite', failed: (error) => failures.push(error) });
  });
  afterEach(async () => {
    for (const member of members.splice(0)) {
      await member.consumer!.close();
      expect(member.failures).toEqual([]);
    }
    for (const close of closers.splice(0)) await close();
    expect(failures).toEqual([]);
  });
  afterAll(async () => {
    await producer.close();
    await under.close();
  });

  const join = async (group: string, topics: readonly string[], set: Partial<Member> = {}): Promise<Member> => {
    const member = Object.assign(new Member(), set);
    await member.join(under.log, group, topics);
    members.push(member);
    return member;
  };
  const openTransactor = async (): Promise<Transactor> => {
    const transactor = await under.log.transactor({ name: uniqueName('t'), failed: (error) => failures.push(error) });
    closers.push(() => transactor.close());
    return transactor;
  };
  const append = async (topic: string, partition: number, values: readonly string[]): Promise<void> => {
    for (const value of values) producer.append(topic, partition, null, bytes(value));
    await producer.flush();
  };
  const record = (topic: string, partition: number, value: string): Append => ({
    topic,
    partition,
    key: null,
    value: bytes(value),
  });
  /** All committed records of a topic. */
  const contents = async (topic: string, partitions: number): Promise<LogRecord[]> => {
    const seen: LogRecord[] = [];
    const reader = await under.log.reader({
      batch: (batch) => void seen.push(...batch),
      failed: (error) => failures.push(error),
    });
    const all = partitionsOf(topic, partitions);
    const ends = await reader.highWaters(all);
    await reader.assign(all.map((at) => ({ ...at, offset: 0 })));
    await until('the end', () => all.every((at, i) => (reader.position(at) ?? 0) >= ends[i]!));
    await reader.close();
    return seen;
  };

  describe('transactor', () => {
    test('records and offsets become visible together; each record gets its offset', async () => {
      const [source, target] = [await under.topic(1), await under.topic(2)];
      await append(source, 0, numbers(0, 3));
      await append(target, 1, ['before']);
      const member = await join(uniqueName('g'), [source]);
      await until('read', () => member.records.length === 3);
      const transactor = await openTransactor();
      const [at] = partitionsOf(source, 1);
      const records = [
        record(target, 0, 'a'),
        record(target, 1, 'b'),
        { topic: target, partition: 0, key: bytes('k'), value: null },
        { topic: target, partition: 0, key: bytes('k'), value: Buffer.alloc(0) },
      ];
      const offsets = await transactor.commit(member.consumer!, records, [{ ...at!, offset: 3, metadata: 'm' }]);
      expect(offsets).toEqual([0, 1, 1, 2]);
      expect(await member.consumer!.committed([at!])).toEqual([{ ...at, offset: 3, metadata: 'm' }]);
      const seen = await contents(target, 2);
      expect(seen.map((r) => [r.partition, r.offset, text(r.key), text(r.value)])).toEqual(
        expect.arrayContaining([
          [0, 0, null, 'a'],
          [0, 1, 'k', null],
          [0, 2, 'k', ''],
          [1, 0, null, 'before'],
          [1, 1, null, 'b'],
        ]),
      );
      expect(seen).toHaveLength(5);
      const more = await transactor.commit(member.consumer!, [record(target, 0, 'c')], [{ ...at!, offset: 3 }]);
      expect((await contents(target, 2)).find(({ value }) => text(value) === 'c')!.offset).toBe(more[0]);
    });

    test('a transaction without records moves the offsets', async () => {
      const source = await under.topic(1);
      await append(source, 0, numbers(0, 2));
      const member = await join(uniqueName('g'), [source]);
      await until('read', () => member.records.length === 2);
      const transactor = await openTransactor();
      const [at] = partitionsOf(source, 1);
      expect(await transactor.commit(member.consumer!, [], [{ ...at!, offset: 2 }])).toEqual([]);
      expect((await member.consumer!.committed([at!]))[0]!.offset).toBe(2);
    });

    test('a partition that is not owned: nothing is written, and the next commit works', async () => {
      const [source, target] = [await under.topic(1), await under.topic(1)];
      await append(source, 0, numbers(0, 1));
      const member = await join(uniqueName('g'), [source]);
      await until('read', () => member.records.length === 1);
      const transactor = await openTransactor();
      const foreign = transactor.commit(
        member.consumer!,
        [record(target, 0, 'no')],
        [{ topic: source, partition: 7, offset: 1 }],
      );
      await expect(foreign).rejects.toMatchObject({ name: 'TaskMigratedError', code: 'task-lost' });
      const [at] = partitionsOf(source, 1);
      await transactor.commit(member.consumer!, [record(target, 0, 'yes')], [{ ...at!, offset: 1 }]);
      expect((await contents(target, 1)).map(({ value }) => text(value))).toEqual(['yes']);
    });

    test('a record that cannot be written fails the whole transaction, and the next one works', async () => {
      const [source, target] = [await under.topic(1), await under.topic(1)];
      await append(source, 0, numbers(0, 1));
      const member = await join(uniqueName('g'), [source]);
      await until('read', () => member.records.length === 1);
      const transactor = await openTransactor();
      const [at] = partitionsOf(source, 1);
      const bad = transactor.commit(
        member.consumer!,
        [record(target, 0, 'no'), record(uniqueName('missing'), 0, 'no')],
        [{ ...at!, offset: 1 }],
      );
      await expect(bad).rejects.toThrow();
      expect(await member.consumer!.committed([at!])).toEqual([null]);
      await transactor.commit(member.consumer!, [record(target, 0, 'yes')], [{ ...at!, offset: 1 }]);
      expect((await contents(target, 1)).map(({ value }) => text(value))).toEqual(['yes']);
    });

    test('members come and go while they copy: every record is copied exactly once', async () => {
      const [source, target] = [await under.topic(4), await under.topic(4)];
      const group = uniqueName('g');
      const copy = async (): Promise<Member> => {
        const transactor = await openTransactor();
        const member = new Member();
        let committing: Promise<unknown> = Promise.resolve();
        const waiting: LogRecord[] = [];
        const flush = (): Promise<unknown> => {
          const taken = waiting.splice(0).filter((r) => member.owned.has(idOf(r)));
          const next = new Map(taken.map((r) => [idOf(r), { ...r, offset: r.offset + 1 }]));
          const offsets = [...next.values()].map(({ topic, partition, offset }) => ({ topic, partition, offset }));
          const appends = taken.map((r) => ({ topic: target, partition: r.partition, key: null, value: r.value }));
          if (taken.length === 0) return Promise.resolve();
          return transactor.commit(member.consumer!, appends, offsets);
        };
        const run = (): Promise<unknown> => (committing = committing.then(flush));
        member.onBatch = async (records) => {
          waiting.push(...records);
          await run();
        };
        member.beforeRelease = async () => {
          await run();
        };
        await member.join(under.log, group, [source]);
        members.push(member);
        return member;
      };
      let fed = 0;
      const feed = async (count: number): Promise<void> => {
        for (const upTo = fed + count; fed < upTo; fed++) await append(source, fed % 4, [String(fed)]);
      };
      /** Records go on coming while the group is waited for. */
      const untilFed = (what: string, condition: () => boolean): Promise<void> =>
        until(what, async () => {
          await feed(1);
          return condition();
        });
      await feed(100);
      const first = await copy();
      await until('first copies', () => first.records.length > 20);
      const second = await copy();
      await untilFed('second copies', () => second.records.length > 5);
      const [left, third] = [first.consumer!.close(), await copy()];
      await untilFed('third joined', () => third.owned.size === 2);
      await left;
      const leaving = second.consumer!.close();
      await feed(40);
      await leaving;
      await feed(4 - (fed % 4));
      const all = partitionsOf(source, 4);
      await until('all committed', async () => {
        const committed = await third.consumer!.committed(all);
        return committed.every((offset) => offset?.offset === fed / 4);
      });
      const copied = (await contents(target, 4)).map(({ value }) => Number(text(value)));
      expect(copied.sort((a, b) => a - b)).toEqual(Array.from({ length: fed }, (_, i) => i));
    });
  });

  describe('reading anew', () => {
    test('a partition that starts paused brings nothing until it is resumed', async () => {
      const topic = await under.topic(2);
      for (const { partition } of partitionsOf(topic, 2)) await append(topic, partition, numbers(0, 5));
      const [first, second] = partitionsOf(topic, 2);
      const member = await join(uniqueName('g'), [topic], { starts: () => [{ ...first!, offset: 2, paused: true }] });
      await until('the other', () => member.texts(second).length === 5);
      await append(topic, 1, ['more']);
      await until('the other, more', () => member.texts(second).length === 6);
      expect(member.texts(first)).toEqual([]);
      member.consumer!.resume([first!]);
      await until('resumed', () => member.texts(first).length === 3);
      expect(member.texts(first)).toEqual(numbers(2, 5));
    });

    test('seek reads again from there, also while paused; nothing is missing or out of order', async () => {
      const topic = await under.topic(1);
      const [at] = partitionsOf(topic, 1);
      await append(topic, 0, numbers(0, 3000));
      const member = await join(uniqueName('g'), [topic]);
      await until('read', () => member.records.length === 3000);
      member.consumer!.pause([at!]);
      await member.consumer!.seek([{ ...at!, offset: 1000 }]);
      member.records.length = 0;
      await append(topic, 0, numbers(3000, 3010));
      member.consumer!.resume([at!]);
      await until('read again', () => member.records.length >= 2010);
      expect(member.texts()).toEqual(numbers(1000, 3010));
      member.records.length = 0;
      await member.consumer!.seek([{ ...at!, offset: 3005 }]);
      await until('read once more', () => member.records.length >= 5);
      expect(member.texts()).toEqual(numbers(3005, 3010));
    });

    test('seek in the middle of a backlog: the first record after it is the one that was asked for', async () => {
      const topic = await under.topic(1);
      const [at] = partitionsOf(topic, 1);
      await append(topic, 0, numbers(0, 20_000));
      for (let round = 0; round < 5; round++) {
        const member = await join(uniqueName('g'), [topic]);
        await until('some', () => member.records.length > 500 * round);
        await member.consumer!.seek([{ ...at!, offset: 100 }]);
        member.records.length = 0;
        await until('all again', () => member.records.length >= 19_900);
        expect(member.texts()).toEqual(numbers(100, 20_000));
        await members.pop()!.consumer!.close();
      }
    });
  });
}
