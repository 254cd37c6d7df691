/** A client that never answers: as librdkafka was seen to do when a broker came back, which cannot be brought about at will. */
import { expect, test, vi } from 'vitest';
import type { ProducerClient } from '../../src/log/kafka/client.ts';
import { openTransactor } from '../../src/log/kafka/kafka-transactor.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { endOfTurn } from '../../src/time/clock.ts';
import { SteppedClock } from '../support/stepped-clock.ts';

const [init_ms, silence_ms] = [15_000, 10_000];

const silent: Partial<ProducerClient> = {
  on: () => undefined,
  connect: (_, done) => {
    done(null, {});
  },
  setPollInBackground: () => undefined,
  initTransactions: () => undefined,
};

vi.mock('../../src/log/kafka/client.ts', async (original) => ({
  ...(await original<object>()),
  newProducer: () => silent,
}));

test('a transaction call that is silent beyond its own time limit ends the worker, with a message', async () => {
  const clock = new SteppedClock(0);
  const failures: Error[] = [];
  const surroundings = { settings: {}, clock, logger: silentLogger, startTimeout_ms: 1000 };
  const opening = openTransactor(surroundings, { name: 'shop.entity', failed: (error) => failures.push(error) });
  const outcome = expect(opening).rejects.toThrow('never answered');

  // Until it has been asked.
  await endOfTurn();
  await clock.pass(init_ms + silence_ms - 100);
  expect(failures).toEqual([]);
  await clock.pass(200);
  await outcome;
  expect(failures.map(({ message }) => message)).toEqual([
    'transactor shop.entity: opening transactions: the Kafka client never answered; restart this worker',
  ]);
});
