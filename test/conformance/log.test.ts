import { describe } from 'vitest';
import { createMemoryLog } from '../../src/log/memory/memory-log.ts';
import { systemClock } from '../../src/time/clock.ts';
import { uniqueName } from '../support/log-member.ts';
import { logSuite, type LogUnderTest } from './log.suite.ts';
import { transactorSuite } from './transactor.suite.ts';
import { rebalanceSuite } from './rebalance.suite.ts';

function create(): Promise<LogUnderTest> {
  const log = createMemoryLog({ clock: systemClock });
  return Promise.resolve({
    log,
    async topic(partitions) {
      const name = uniqueName('topic');
      await log.ensureTopics([{ name, partitions, config: {} }]);
      return name;
    },
    close: () => log.close(),
  });
}

describe('memory log', () => {
  logSuite(create);
  rebalanceSuite(create);
  transactorSuite(create);
});
