/** The log, for a command of an operator. */
import { loadConfig, type Config } from '../config/config.ts';
import { environment } from '../config/environment.ts';
import { createLogger } from '../observability/logger.ts';
import { createKafkaLog } from '../log/kafka/kafka-log.ts';
import type { Log } from '../log/log.ts';
import { systemClock } from '../time/clock.ts';

/** @throws MillraceError when the configuration has faults, or no broker answers. */
export async function withLog<T>(use: (log: Log, config: Config) => Promise<T>): Promise<T> {
  const config = loadConfig(environment, 'operator');
  const logger = createLogger(config.logLevel === 'info' ? 'error' : config.logLevel);
  const log = await createKafkaLog({ settings: config.kafka, clock: systemClock, logger });
  try {
    return await use(log, config);
  } finally {
    await log.close();
  }
}
