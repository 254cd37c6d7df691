/** A state is read by the definition and the engine that wrote it, and by no other. */
import { expect, test } from 'vitest';
import { buildPlan } from '../../../src/define/plan-builder.ts';
import type { EntityPlan } from '../../../src/define/plan.ts';
import { decodeTaskRecord, encodeTaskRecord } from '../../../src/entity/task-record.ts';
import { count, entity, featureView, int64, tumbling, type Duration } from '../../../src/index.ts';
import { transactions } from '../../support/shop.ts';

function planOf(generation: number, size: Duration): EntityPlan {
  const user = entity('user', { key: { user_id: int64() }, generation });
  const view = featureView('user_features', {
    entity: user,
    from: { tx: transactions.by({ user_id: 'user_id' }) },
    features: ({ tx }) => ({ n: count(tx).over(tumbling(size)) }),
  });
  return buildPlan({ view }).entities[0]!;
}

const plan = planOf(1, '5m');
const record = {
  position: 7,
  published: 3,
  sources: plan.tables.map(() => null),
  keys: [{ held: 300, emptied: 2 }],
};

test('a record comes back as it was written', () => {
  expect(decodeTaskRecord(encodeTaskRecord(plan, record), planOf(1, '5m'))).toEqual(record);
});

test.each([
  ['generation', planOf(2, '5m')],
  ['window', planOf(1, '6m')],
])('one of another %s is refused', (_, other) => {
  expect(() => decodeTaskRecord(encodeTaskRecord(plan, record), other)).toThrow(
    expect.objectContaining({ code: 'state-mismatch' }),
  );
});

test('one of another form is refused', () => {
  const bytes = encodeTaskRecord(plan, record);
  bytes[0]! += 1;
  expect(() => decodeTaskRecord(bytes, plan)).toThrow(/another version of the definition or of Millrace/);
});
