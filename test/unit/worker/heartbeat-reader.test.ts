/** Heartbeats go on being read when their reader does not. */
import { expect, test } from 'vitest';
import type { ReaderOptions } from '../../../src/log/log.ts';
import { createMemoryLog } from '../../../src/log/memory/memory-log.ts';
import { silentLogger } from '../../../src/observability/logger.ts';
import { HeartbeatReader } from '../../../src/worker/heartbeat-reader.ts';
import { SteppedClock } from '../../support/stepped-clock.ts';

const topic = '__debezium-heartbeat.shop';

test('a reader that failed is replaced by the next lookup', async () => {
  const clock = new SteppedClock(0);
  const memory = createMemoryLog({ clock });
  await memory.ensureTopics([{ name: topic, partitions: 1, config: {} }]);
  const opened: ReaderOptions[] = [];
  const log = {
    ...memory,
    reader: (options: ReaderOptions) => {
      opened.push(options);
      return memory.reader(options);
    },
  };
  const heartbeats = new HeartbeatReader(log, clock, silentLogger, [topic]);
  await heartbeats.start();
  const producer = await memory.producer({ name: 'connector', failed: () => undefined });
  const beat = async (time_ms: number): Promise<number | undefined> => {
    producer.append(topic, 0, null, Buffer.from(JSON.stringify({ ts_ms: time_ms })));
    await clock.pass(100);
    return heartbeats.newest().get(topic);
  };

  expect(await beat(1000)).toBe(1000);
  opened[0]!.failed(new Error('the client is gone'));
  await clock.pass(11_000);
  expect(opened).toHaveLength(2);
  expect(await beat(2000)).toBe(2000);
  await heartbeats.stop();
});
