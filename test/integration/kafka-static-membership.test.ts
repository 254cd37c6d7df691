/** Members of a group that are known when they come back, on a real broker. */
import { afterEach, expect, test } from 'vitest';
import { createKafkaLog } from '../../src/log/kafka/kafka-log.ts';
import type { Log } from '../../src/log/log.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { systemClock } from '../../src/time/clock.ts';
import { deleteTopics } from '../support/captured-shop.ts';
import { idOf, Member, uniqueName } from '../support/log-member.ts';
import { until } from '../support/until.ts';

const partitions = 4;
/** Long enough for a member to come back on a busy machine, short enough to be waited for. */
const session_ms = 10_000;

const logs: Log[] = [];
const topics: string[] = [];
afterEach(async () => {
  for (const log of logs.splice(0)) await log.close();
  await deleteTopics(topics.splice(0));
});

async function open(groupInstanceId: string): Promise<Log> {
  const settings = {
    'bootstrap.servers': process.env['MILLRACE_KAFKA_BROKERS']!,
    'session.timeout.ms': String(session_ms),
  };
  const log = await createKafkaLog({ settings, clock: systemClock, logger: silentLogger, groupInstanceId });
  logs.push(log);
  return log;
}

async function topicOn(log: Log): Promise<string> {
  const topic = uniqueName('static');
  topics.push(topic);
  await log.ensureTopics([{ name: topic, partitions, config: {} }]);
  return topic;
}

const ownedBy = (member: Member): string[] => [...member.owned.keys()].sort();
const rebalances = (member: Member): number => member.events.filter((event) => event !== 'batch').length;

/** Two members that share the partitions, both at rest. */
async function balanced(first: Log, second: Log): Promise<{ topic: string; group: string; a: Member; b: Member }> {
  const topic = await topicOn(first);
  const group = uniqueName('static-group');
  const a = await new Member().join(first, group, [topic]);
  await until('the first owns all', () => a.owned.size === partitions);
  const b = await new Member().join(second, group, [topic]);
  await until('they share', () => a.owned.size === partitions / 2 && b.owned.size === partitions / 2);
  return { topic, group, a, b };
}

test('a member that closes and comes back in time has its partitions again, and the other notices nothing', async () => {
  const first = await open('pod-0');
  const { topic, group, a, b } = await balanced(first, await open('pod-1'));
  const members = await first.groupMembers(group);
  const own = members.filter(({ isOwn }) => isOwn).map(({ partitions }) => partitions.map(idOf).sort());
  expect([members.length, own]).toEqual([2, [ownedBy(a)]]);
  const before = { ofA: ownedBy(a), ofB: ownedBy(b), rebalancesOfB: rebalances(b) };
  await first.close();
  expect(ownedBy(a), 'what it owned was given up, so that it could be committed').toEqual([]);
  const again = await new Member().join(await open('pod-0'), group, [topic]);
  await until('it has partitions', () => again.owned.size > 0);
  expect(ownedBy(again)).toEqual(before.ofA);
  expect(ownedBy(b)).toEqual(before.ofB);
  expect(rebalances(b)).toBe(before.rebalancesOfB);
});

test('a member that does not come back is missed when its session ends', async () => {
  const first = await open('pod-0');
  const { b } = await balanced(first, await open('pod-1'));
  const closed_ms = performance.now();
  await first.close();
  await until('the other has all', () => b.owned.size === partitions, session_ms * 3);
  expect(performance.now() - closed_ms).toBeGreaterThan(session_ms / 2);
});

test('of two processes with one name the earlier one ends, and says why', async () => {
  const first = await open('pod-0');
  const topic = await topicOn(first);
  const group = uniqueName('static-group');
  const earlier = await new Member().join(first, group, [topic]);
  await until('it owns all', () => earlier.owned.size === partitions);
  const later = await new Member().join(await open('pod-0'), group, [topic]);
  await until('the later one owns all', () => later.owned.size === partitions);
  await until('the earlier one has failed', () => earlier.failures.length > 0);
  expect(earlier.failures[0]!.message).toContain('did another process take over as MILLRACE_GROUP_INSTANCE_ID=pod-0?');
  expect(later.failures).toEqual([]);
});
