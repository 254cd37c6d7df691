/** `millrace republish`: all current values into the online store again. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '../config/config.ts';
import { environment } from '../config/environment.ts';
import { FatalError } from '../errors.ts';
import { createKafkaLog } from '../log/kafka/kafka-log.ts';
import { createLogger } from '../observability/logger.ts';
import { createRedisOnlineStore } from '../online/redis/redis-online-store.ts';
import { openRocksStateStore } from '../state/rocksdb/rocksdb-state-store.ts';
import { systemClock } from '../time/clock.ts';
import { republish } from '../worker/republish.ts';
import { loadDefinitions } from './load-definitions.ts';

/** @throws MillraceError when it cannot start or cannot go on. */
export async function runRepublish(definitions: string, { rate: text }: { readonly rate: string }): Promise<void> {
  const rate = Number(text);
  if (!(rate > 0)) throw new FatalError('config-invalid', `--rate is "${text}": must be a number of values per second`);
  const config = loadConfig(environment, 'republish');
  const plan = await loadDefinitions(definitions);
  const logger = createLogger(config.logLevel);
  const clock = systemClock;
  const dir = await mkdtemp(join(tmpdir(), 'millrace-republish-'));
  const closing: (() => Promise<unknown>)[] = [() => rm(dir, { recursive: true, force: true })];
  try {
    const online = await createRedisOnlineStore({ ...config.redis, logger });
    closing.unshift(() => online.close());
    const log = await createKafkaLog({ settings: config.kafka, clock, logger });
    closing.unshift(() => log.close());
    const store = await openRocksStateStore({ dir, logger });
    closing.unshift(() => store.close());
    const application = config.applicationId;
    const { tasks, written, refused } = await republish({ plan, application, log, store, online, clock, logger, rate });
    process.stdout.write(`${tasks} tasks: ${written} values written again, ${refused} refused: newer ones are there\n`);
  } finally {
    for (const close of closing) await close();
  }
}
