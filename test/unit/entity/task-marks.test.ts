import { expect, test } from 'vitest';
import { buildPlan } from '../../../src/define/plan-builder.ts';
import { TaskMarks } from '../../../src/entity/task-marks.ts';
import { count, featureView, int64, timestamp, tumbling } from '../../../src/index.ts';
import { source, unknownMarks } from '../../support/entity-frames.ts';
import { shop, transactions, user } from '../../support/shop.ts';

const visits = shop.table('public.visits', {
  columns: { id: int64(), user_id: int64(), at: timestamp() },
  primaryKey: ['id'],
  time: { event: 'at' },
});
const view = featureView('v', {
  entity: user,
  from: { tx: transactions.by({ user_id: 'user_id' }), visit: visits.by({ user_id: 'user_id' }) },
  features: ({ tx, visit }) => ({ tx: count(tx).over(tumbling('5m')), visits: count(visit).over(tumbling('5m')) }),
});
const plan = buildPlan({ view }).entities[0]!;
const ofTransactions = { ...source, table: 0 };
const ofVisits = [0, 1].map((partition) => ({ table: 1, topicId: 'ff'.repeat(16), partition, partitionCount: 2 }));
const both = (us: number): { data_us: number; clock_us: number } => ({ data_us: us, clock_us: us });

test('no time is known until each partition of each table has spoken', () => {
  const marks = new TaskMarks(plan);
  marks.take(ofTransactions, both(50));
  expect(marks.marks).toEqual(unknownMarks);
  marks.take(ofVisits[0]!, both(60));
  expect(marks.marks).toEqual(unknownMarks);
  marks.take(ofVisits[1]!, both(40));
  expect(marks.marks).toEqual(both(40));
});

test('a partition that spoke without knowing the time holds it back', () => {
  const marks = new TaskMarks(plan);
  for (const from of [ofTransactions, ofVisits[0]!]) marks.take(from, both(50));
  marks.take(ofVisits[1]!, { data_us: -Infinity, clock_us: 30 });
  expect(marks.marks).toEqual({ data_us: -Infinity, clock_us: 30 });
});

test('data and clock marks have their minima each for themselves', () => {
  const marks = new TaskMarks(plan);
  marks.take(ofTransactions, { data_us: 10, clock_us: 90 });
  marks.take(ofVisits[0]!, { data_us: 20, clock_us: 80 });
  marks.take(ofVisits[1]!, { data_us: 30, clock_us: 70 });
  expect(marks.marks).toEqual({ data_us: 10, clock_us: 70 });
});
