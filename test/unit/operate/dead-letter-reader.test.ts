import { expect, test } from 'vitest';
import { readDeadLetters, type DeadLetterSelection } from '../../../src/operate/dead-letter-reader.ts';
import { FatalError, RecordError } from '../../../src/errors.ts';
import type { Log } from '../../../src/log/log.ts';
import { createMemoryLog } from '../../../src/log/memory/memory-log.ts';
import { systemClock } from '../../../src/time/clock.ts';
import { appendDeadLetter, type DeadLetter } from '../../../src/worker/dead-letters.ts';

const name = 'millrace.dead-letters';

async function logWith(letters: readonly { readonly topic: string; readonly offset: number }[]): Promise<Log> {
  const log = createMemoryLog({ clock: systemClock });
  await log.ensureTopics([{ name, partitions: 1, config: {} }]);
  const producer = await log.producer({ name: 'test', failed: () => undefined });
  for (const { topic, offset } of letters) {
    const record = { topic, partition: 2, offset, key: null, value: Buffer.from(`raw ${offset}`), timestamp_ms: 1000 };
    const error = new RecordError('row-unusable', `it has no old row, ${offset}`);
    appendDeadLetter(producer, name, { record, error, readers: ['user/1'] });
  }
  await producer.flush();
  return log;
}

test('dead letters are read whole, oldest first', async () => {
  const log = await logWith([
    { topic: 'a', offset: 5 },
    { topic: 'b', offset: 7 },
  ]);
  const letters = await readDeadLetters(log, name, { limit: 10 });
  expect(letters.map(({ topic, partition, offset, code, reason }) => [topic, partition, offset, code, reason])).toEqual(
    [
      ['a', 2, 5, 'row-unusable', 'it has no old row, 5'],
      ['b', 2, 7, 'row-unusable', 'it has no old row, 7'],
    ],
  );
  expect(Buffer.from(letters[0]!.value_base64!, 'base64').toString()).toBe('raw 5');
});

test('of one source topic, and the newest ones where there are too many', async () => {
  const log = await logWith(
    Array.from({ length: 50 }, (_, offset) => ({ topic: offset % 2 === 0 ? 'a' : 'b', offset })),
  );
  const letters = await readDeadLetters(log, name, { topic: 'a', limit: 3 });
  expect(letters.map(({ topic, offset }) => [topic, offset])).toEqual([
    ['a', 44],
    ['a', 46],
    ['a', 48],
  ]);
});

test('without the topic, or with an empty one, there are none', async () => {
  const log = createMemoryLog({ clock: systemClock });
  expect(await readDeadLetters(log, name, { limit: 10 })).toEqual([]);
  await log.ensureTopics([{ name, partitions: 1, config: {} }]);
  expect(await readDeadLetters(log, name, { limit: 10 })).toEqual([]);
});

test('the one at a place, and those that were refused for one reason', async () => {
  const log = await logWith([
    { topic: 'a', offset: 5 },
    { topic: 'a', offset: 6 },
    { topic: 'b', offset: 5 },
  ]);
  const placesOf = async (selection: Omit<DeadLetterSelection, 'limit'>): Promise<unknown[]> =>
    (await readDeadLetters(log, name, { ...selection, limit: 10 })).map(({ topic, offset }) => [topic, offset]);
  expect(await placesOf({ topic: 'a', partition: 2, offset: 6 })).toEqual([['a', 6]]);
  expect(await placesOf({ topic: 'a', partition: 1, offset: 6 })).toEqual([]);
  expect(await placesOf({ code: 'row-unusable' })).toHaveLength(3);
  expect(await placesOf({ code: 'record-undecodable' })).toEqual([]);
});

test('those that retention has deleted are not asked for: the log refuses to read from where nothing is', async () => {
  const log = await logWith([5, 6, 7, 8].map((offset) => ({ topic: 'a', offset })));
  const retained: Log = {
    ...log,
    reader: async (options) => {
      const reader = await log.reader(options);
      return {
        ...reader,
        beginningOffsets: (partitions) => Promise.resolve(partitions.map(() => 2)),
        assign: (partitions) =>
          partitions.some(({ offset }) => Number(offset) < 2)
            ? Promise.reject(new FatalError('topic-mismatch', 'its records up to offset 1 were deleted'))
            : reader.assign(partitions),
      };
    },
  };
  const letters = await readDeadLetters(retained, name, { limit: 10 });
  expect(letters.map(({ offset }) => offset)).toEqual([7, 8]);
});

test('of an earlier version, which did not say who went without a record, it is nobody that is known', async () => {
  const log = await logWith([{ topic: 'a', offset: 5 }]);
  const [{ readers, ...earlier }] = (await readDeadLetters(log, name, { limit: 1 })) as [DeadLetter];
  expect(readers).toEqual(['user/1']);
  const producer = await log.producer({ name: 'earlier', failed: () => undefined });
  producer.append(name, 0, null, Buffer.from(JSON.stringify(earlier)));
  await producer.flush();
  expect(await readDeadLetters(log, name, { limit: 1 })).toEqual([{ ...earlier, readers: [] }]);
});
