import { afterEach, beforeEach, expect, test } from 'vitest';
import { buildPlan } from '../../../src/define/plan-builder.ts';
import type { Plan } from '../../../src/define/plan.ts';
import { count, entity, featureView, int64, text, tumbling } from '../../../src/index.ts';
import { deadLetterFindings } from '../../../src/operate/dead-letter-findings.ts';
import type { HeldBy } from '../../../src/operate/dead-letter-verdict.ts';
import { readDeadLetters } from '../../../src/operate/dead-letter-reader.ts';
import type { Finding } from '../../../src/operate/findings.ts';
import type { DeadLetter } from '../../../src/worker/dead-letters.ts';
import { deadLetterTopic } from '../../../src/worker/topics.ts';
import { envelope, transactionFields } from '../../support/envelope.ts';
import { application, MemoryFleet } from '../../support/memory-worker.ts';
import { shop, transactions } from '../../support/shop.ts';

const topic = 'dbserver.public.transactions';
const now_us = Date.now() * 1000;

/** @param hasNulls whether the definition knows that a location may be null. */
function planOf(generation: number, hasNulls: boolean): Plan {
  const table = shop.table('public.transactions', {
    columns: { ...transactions.columns, location: hasNulls ? text().nullable() : text() },
    primaryKey: ['transaction_id'],
    replicaIdentity: 'full',
    time: { event: 'transaction_time', outOfOrderness: '5s' },
    onError: 'dead-letter',
  });
  const view = featureView('user_features', {
    entity: entity('user', { key: { user_id: int64() }, partitions: 3, generation }),
    from: { tx: table.by({ user_id: 'user_id' }) },
    features: ({ tx }) => ({ n: count(tx).over(tumbling('7d')) }),
  });
  return buildPlan({ view });
}

const fields = (id: number, location: string | null): object =>
  transactionFields({ id, user: 1, cents: 1, status: 'ok', location, time_us: now_us });
const insertion = (id: number, location: string | null): Buffer =>
  envelope({ after: fields(id, location), commit_us: now_us + id, sequence: [null, id] });

function letter(offset: number, value: Buffer, more: Partial<DeadLetter> = {}): DeadLetter {
  const place = { topic, partition: 1, offset, timestamp_ms: 0, code: 'record-undecodable', reason: 'x', readers: [] };
  return { ...place, key_base64: null, value_base64: value.toString('base64'), ...more };
}

const held: HeldBy = ({ partition }) => (partition === 1 ? { beginning: 10, end: 20 } : null);
const told = (findings: readonly Finding[]): string[] =>
  findings.map(({ level, says, fix }) => `${level}: ${says}${fix === undefined ? '' : ` → ${fix}`}`);

test('none is fine', () => {
  expect(deadLetterFindings(planOf(1, true), [], held)).toMatchObject([{ level: 'ok', says: 'none' }]);
});

test('what the definitions can use now, a new generation reads in its place', () => {
  const letters = [letter(12, insertion(1, null)), letter(13, insertion(2, null)), letter(13, insertion(2, null))];
  expect(told(deadLetterFindings(planOf(4, true), letters, held))).toEqual([
    `warning: 2 records, the last at ${topic}/1, offset 13, can be used by these definitions, and are still in the topic → ` +
      'raise the generation of user (now 4): it reads the topic from its beginning, and them in their places',
  ]);
});

test('what is refused still says why, and whether a definition can help', () => {
  const update = envelope({ op: 'u', after: fields(1, 'x'), sequence: [null, 3] });
  const [undecodable, unusable] = deadLetterFindings(
    planOf(1, false),
    [letter(12, insertion(1, null)), letter(14, update, { code: 'row-unusable' })],
    held,
  );
  expect(undecodable).toMatchObject({ level: 'fault', fix: expect.stringMatching(/^repair the definition/) });
  expect(undecodable!.says).toMatch(/offset 12, would be refused again \(record-undecodable\): .*location/);
  expect(unusable).toMatchObject({ level: 'fault', fix: expect.stringMatching(/no definition can make up for/) });
  expect(unusable!.says).toMatch(/offset 14, would be refused again \(row-unusable\)/);
});

test.each([
  ['before its beginning', letter(9, insertion(1, null))],
  ['behind its end, of a topic that was made anew', letter(20, insertion(1, null))],
  ['in a partition that is gone', letter(12, insertion(1, null), { partition: 2 })],
])('what is no longer in the topic needs a snapshot: %s', (_, gone) => {
  const [finding] = deadLetterFindings(planOf(1, true), [gone], held);
  expect(finding).toMatchObject({ level: 'fault', fix: expect.stringMatching(/^let a connector make a snapshot/) });
  expect(finding!.says).toContain('1 record, the last at');
  expect(finding!.says).toContain('no longer in the topic');
});

test('what no definition reads needs nothing', () => {
  const other = letter(12, insertion(1, null), { topic: 'dbserver.public.gone' });
  expect(deadLetterFindings(planOf(1, true), [other], held)).toMatchObject([
    { level: 'ok', what: 'dbserver.public.gone' },
  ]);
});

let fleet: MemoryFleet;
beforeEach(async () => {
  fleet = await MemoryFleet.create(planOf(1, false));
});
afterEach(() => fleet.close());

test('a new generation with the cause repaired counts a dead letter as if it had never been one; put back by hand it is dropped', async () => {
  const first = fleet.worker();
  await first.worker.start();
  fleet.append(topic, 1, insertion(1, 'here'));
  fleet.append(topic, 1, insertion(3, null));
  fleet.append(topic, 1, insertion(5, 'there'));
  await fleet.settled(first);
  expect(await fleet.features('user_features:1')).toEqual({ n: '2' });
  await first.worker.stop();
  const letters = await readDeadLetters(fleet.log, deadLetterTopic(application), { limit: 10 });
  const repaired = planOf(2, true);
  const ends: HeldBy = () => ({ beginning: 0, end: 3 });
  expect(deadLetterFindings(repaired, letters, ends)).toMatchObject([{ level: 'warning' }]);

  const second = fleet.worker({ plan: repaired });
  await second.worker.start();
  await fleet.settled(second);
  expect(await fleet.features('user_features:1')).toEqual({ n: '3' });

  fleet.append(topic, 1, Buffer.from(letters[0]!.value_base64!, 'base64'));
  await fleet.settled(second);
  expect(await fleet.features('user_features:1')).toEqual({ n: '3' });
  const replayed = `millrace_source_records_total{topic="${topic}",outcome="replayed"} 1`;
  expect(await second.metrics.render()).toContain(replayed);
});
