/** The adapter's defaults, measured for latency first (docs: the user's settings win, except for what the port promises). */
import { statistics_ms } from './broker-watch.ts';
import type { ClientSettings } from './client.ts';

export type UserSettings = Readonly<Record<string, string>>;

const everywhere: ClientSettings = {
  'client.id': 'millrace',
  // librdkafka's 10 s would leave a returned broker alone for that long.
  'reconnect.backoff.max.ms': 2000,
  // By default a client that gets no metadata turns to the bootstrap servers again only after five minutes.
  'metadata.recovery.rebootstrap.trigger.ms': 3000,
};

/** Without this nobody notices a client that cannot come back. */
const promisedEverywhere: ClientSettings = { 'statistics.interval.ms': statistics_ms };

/** Without these the port's contract breaks, so a user's setting cannot change them. */
const producerPromises: ClientSettings = {
  ...promisedEverywhere,
  'enable.idempotence': true,
  acks: 'all',
  'enable.gapless.guarantee': true,
  // A record is never given up: outages are waited out, with the caller's back-pressure on pending_bytes.
  'message.timeout.ms': 0,
  dr_cb: true,
};

const producerDefaults: ClientSettings = {
  'linger.ms': 0,
  'compression.codec': 'lz4',
  'message.max.bytes': 8_388_608,
  'retry.backoff.ms': 10,
};

/** Measured: the default of 100 ms stands in the path of every commit while the markers of the last one are written. */
const transactorDefaults: ClientSettings = {
  ...producerDefaults,
  'retry.backoff.ms': 2,
  // Below the group's session timeout: who takes a task over finds its transaction decided.
  'transaction.timeout.ms': 5000,
};

const consumerPromises: ClientSettings = {
  ...promisedEverywhere,
  'enable.auto.commit': false,
  'enable.auto.offset.store': false,
  'isolation.level': 'read_committed',
  'enable.partition.eof': true,
  'auto.offset.reset': 'error',
};

const consumerDefaults: ClientSettings = {
  'fetch.wait.max.ms': 100,
  'fetch.queue.backoff.ms': 1,
  'fetch.message.max.bytes': 8_388_608,
  'queued.min.messages': 20_000,
  // Each of a worker's consumers has as much on its way and as much again in its queue when there is a backlog.
  'fetch.max.bytes': 16_777_216,
  'queued.max.messages.kbytes': 16_384,
};

const classicGroup: ClientSettings = {
  'partition.assignment.strategy': 'cooperative-sticky',
  'session.timeout.ms': 6000,
  // A member hears of a rebalance by the answer to a heartbeat, and partitions that move stand still until all have heard of it.
  'heartbeat.interval.ms': 300,
};

/** A member that comes back within this time has its partitions still; one that does not keeps them from the others for as long. */
const staticSession_ms = 45_000;

/** Else a request that waits for a broker that is down lets the client connect to it again at once, 30,000 times a second. */
const adminDefaults: ClientSettings = { 'enable.sparse.connections': false };

export const adminSettings = (user: UserSettings): ClientSettings => ({
  ...everywhere,
  ...adminDefaults,
  ...user,
  ...promisedEverywhere,
});

export const producerSettings = (user: UserSettings): ClientSettings => ({
  ...everywhere,
  ...producerDefaults,
  ...user,
  ...producerPromises,
});

export const transactorSettings = (user: UserSettings, transactionalId: string): ClientSettings => ({
  ...everywhere,
  ...transactorDefaults,
  ...user,
  ...producerPromises,
  'transactional.id': transactionalId,
});

/**
 * @param instanceId makes the member a static one: the group knows it again when it comes back. Groups have their members' names each
 *   for themselves, so that one is enough for the groups of a worker.
 */
export function groupSettings(user: UserSettings, group: string, instanceId: string | null): ClientSettings {
  const known: ClientSettings = instanceId === null ? {} : { 'group.instance.id': instanceId };
  const session: ClientSettings = instanceId === null ? {} : { 'session.timeout.ms': staticSession_ms };
  // With the KIP-848 protocol these belong to the broker; librdkafka refuses them.
  const membership = user['group.protocol'] === 'consumer' ? {} : { ...classicGroup, ...session };
  return {
    ...everywhere,
    ...consumerDefaults,
    ...membership,
    ...user,
    ...consumerPromises,
    ...known,
    'group.id': group,
  };
}

/** The client wants a group id even where no group is joined. */
export const readerSettings = (user: UserSettings): ClientSettings => ({
  ...everywhere,
  ...consumerDefaults,
  'group.id': 'millrace-reader',
  ...user,
  ...consumerPromises,
});
