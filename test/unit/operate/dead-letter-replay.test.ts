import { afterEach, beforeEach, expect, test } from 'vitest';
import { buildPlan } from '../../../src/define/plan-builder.ts';
import type { Plan } from '../../../src/define/plan.ts';
import { count, entity, featureView, int64, text, tumbling } from '../../../src/index.ts';
import { parseHighWater } from '../../../src/ingest/high-water.ts';
import { readerId } from '../../../src/ingest/source-identity.ts';
import { readDeadLetters } from '../../../src/operate/dead-letter-reader.ts';
import { replayOf, type CommittedBy, type DeadLetterReplay } from '../../../src/operate/dead-letter-replay.ts';
import type { HeldBy } from '../../../src/operate/dead-letter-verdict.ts';
import type { DeadLetter } from '../../../src/worker/dead-letters.ts';
import { ingestGroup } from '../../../src/worker/groups.ts';
import { deadLetterTopic } from '../../../src/worker/topics.ts';
import { envelope, transactionFields } from '../../support/envelope.ts';
import { application, MemoryFleet } from '../../support/memory-worker.ts';
import { shop, transactions } from '../../support/shop.ts';
import { until } from '../../support/until.ts';

const topic = 'dbserver.public.transactions';
const now_us = Date.now() * 1000;

interface Generations {
  readonly user: number;
  readonly place?: number;
  /** Whether the definition knows that a location may be null. */
  readonly hasNulls?: boolean;
}

function planOf({ user, place = 1, hasNulls = true }: Generations): Plan {
  const table = shop.table('public.transactions', {
    columns: { ...transactions.columns, location: hasNulls ? text().nullable() : text() },
    primaryKey: ['transaction_id'],
    replicaIdentity: 'full',
    time: { event: 'transaction_time', outOfOrderness: '5s' },
  });
  const viewOf = (name: string, generation: number): ReturnType<typeof featureView> =>
    featureView(`${name}_features`, {
      entity: entity(name, { key: { user_id: int64() }, partitions: 3, generation }),
      from: { tx: table.by({ user_id: 'user_id' }) },
      features: ({ tx }) => ({ n: count(tx).over(tumbling('7d')) }),
    });
  return buildPlan({ userView: viewOf('user', user), placeView: viewOf('place', place) });
}

const insertion = (id: number, location: string | null): Buffer => {
  const after = transactionFields({ id, user: 1, cents: 1, status: 'ok', location, time_us: now_us });
  return envelope({ after, commit_us: now_us + id, sequence: [null, id] });
};

function letter(offset: number, readers: readonly string[], value = insertion(offset, null)): DeadLetter {
  const place = { topic, partition: 1, offset, timestamp_ms: 0, code: 'record-undecodable', reason: 'x', readers };
  return { ...place, key_base64: null, value_base64: value.toString('base64') };
}

const held: HeldBy = () => ({ beginning: 10, end: 20 });
const committedBy =
  (plan: Plan, offset: number): CommittedBy =>
  () => ({ offset, readers: plan.entities.map(readerId) });
const told = ({ waiting, findings }: DeadLetterReplay): unknown => [
  waiting,
  ...findings.map(({ level, says }) => `${level}: ${says.replace(/^.*?, offset (\d+),/, '$1')}`),
];

const both = ['place/1', 'user/1'];

test('none is fine', () => {
  expect(told(replayOf(planOf({ user: 1 }), [], { held, committed: () => null }))).toEqual([0, 'ok: none']);
});

test('a generation that refused it does not come to it again, even under definitions that can use it', () => {
  const plan = planOf({ user: 1 });
  const replay = replayOf(plan, [letter(12, both)], { held, committed: committedBy(plan, 20) });
  expect(told(replay)).toEqual([
    0,
    'fault: 12 can be used by these definitions, but generation 1 of place went on without them',
    'fault: 12 can be used by these definitions, but generation 1 of user went on without them',
  ]);
  expect(replay.findings[1]!.fix).toMatch(/^raise the generation of user \(now 1\)/);
});

test.each([
  ['nothing is committed', () => null],
  ['the committed offset is that of the generation before', committedBy(planOf({ user: 1 }), 20)],
  ['the new generation stands before it', committedBy(planOf({ user: 2, place: 2 }), 12)],
] as const)('it waits while %s', (_, committed) => {
  const replay = replayOf(planOf({ user: 2, place: 2 }), [letter(12, both)], { held, committed });
  expect(told(replay)).toEqual([
    1,
    'fault: 12 can be used, and generation 2 of place has still to come to them',
    'fault: 12 can be used, and generation 2 of user has still to come to them',
  ]);
});

test('what the new generation has passed was read, unless it was refused there again', () => {
  const plan = planOf({ user: 2, place: 2 });
  const letters = [letter(12, both), letter(13, both), letter(13, ['place/2', 'user/2'])];
  expect(told(replayOf(plan, letters, { held, committed: committedBy(plan, 14) }))).toEqual([
    0,
    'ok: 12 were read by generation 2 of place in their places',
    'fault: 13 can be used by these definitions, but generation 2 of place went on without them',
    'ok: 12 were read by generation 2 of user in their places',
    'fault: 13 can be used by these definitions, but generation 2 of user went on without them',
  ]);
});

test('each entity has a generation of its own', () => {
  const plan = planOf({ user: 2 });
  expect(told(replayOf(plan, [letter(12, both)], { held, committed: committedBy(plan, 14) }))).toEqual([
    0,
    'fault: 12 can be used by these definitions, but generation 1 of place went on without them',
    'ok: 12 were read by generation 2 of user in their places',
  ]);
});

test('what no generation of these definitions would count is not waited for', () => {
  const plan = planOf({ user: 2, place: 2 });
  const letters = [letter(12, both, Buffer.from('garbage')), letter(9, both)];
  const replay = replayOf(plan, letters, { held, committed: () => null });
  expect(told(replay)).toEqual([
    0,
    expect.stringMatching(/^fault: 12 would be refused again/),
    expect.stringMatching(/^fault: 9 can be used by these definitions, but are no longer in the topic/),
  ]);
});

let fleet: MemoryFleet;
beforeEach(async () => {
  fleet = await MemoryFleet.create(planOf({ user: 1, hasNulls: false }));
});
afterEach(() => fleet.close());

test('workers: refused by one generation, read by the next', async () => {
  const letters = (): Promise<DeadLetter[]> => readDeadLetters(fleet.log, deadLetterTopic(application), { limit: 10 });
  const look = async (plan: Plan): Promise<unknown> => {
    const [at] = await fleet.log.groupOffsets(ingestGroup(application), [{ topic, partition: 1 }]);
    const committed = { offset: at!.offset, readers: parseHighWater(at!.metadata!).readers };
    const places = { held: () => ({ beginning: 0, end: 2 }), committed: () => committed };
    return told(replayOf(plan, await letters(), places));
  };
  const first = fleet.worker();
  await first.worker.start();
  fleet.append(topic, 1, insertion(1, 'here'));
  fleet.append(topic, 1, insertion(3, null));
  await fleet.settled(first);
  await first.worker.stop();
  expect((await letters()).map(({ readers }) => readers)).toEqual([both]);
  const raised = planOf({ user: 2, place: 2 });
  expect(await look(raised)).toEqual([1, expect.stringContaining('still to come'), expect.any(String)]);

  const second = fleet.worker({ plan: raised });
  await second.worker.start();
  await until('it is read', async () => ((await look(raised)) as unknown[])[0] === 0);
  expect(await look(raised)).toEqual([
    0,
    'ok: 1 were read by generation 2 of place in their places',
    'ok: 1 were read by generation 2 of user in their places',
  ]);
});
