/**
 * Finds clients that cannot come back. A broker that shuts down answers for a moment that the cluster has no brokers; librdkafka (2.15) then
 * forgets those that it knows, and when that meets the end of its last connection, it knows none and never tries again. What waits in such
 * a client waits for ever, also a call that has a timeout. A client that merely cannot reach its brokers still lists them.
 */
import { FatalError } from '../../errors.ts';
import type { Statistics } from './client.ts';

/** How often clients tell about themselves, milliseconds. */
export const statistics_ms = 5000;

/** Between two broker lists a healthy client may have none for a moment. */
const tellings = 2;

interface Telling {
  on(event: 'event.stats', listener: (statistics: Statistics) => void): void;
}

/** Coordinators are listed too, as `logical`: they have no address of their own. Whole JSON grows with the partitions, so it is not parsed. */
const listsBrokers = (statistics: string): boolean =>
  statistics.includes('"source":"learned"') || statistics.includes('"source":"configured"');

/** @param lost called once. */
export function watchBrokers(client: Telling, lost: () => void): void {
  client.on('event.stats', brokerListener(lost));
}

/** For a client that takes its listeners when it is made. */
export function brokerListener(lost: () => void): (statistics: Statistics) => void {
  let without = 0;
  return ({ message }) => {
    without = listsBrokers(message) ? 0 : without + 1;
    if (without === tellings) lost();
  };
}

/** @param who the client, as an operator knows it. */
export const brokersLost = (who: string): FatalError =>
  new FatalError(
    'log-unavailable',
    `${who}: the Kafka client has forgotten all brokers while they restarted, and would never reconnect; restart this worker`,
  );
