import { expect, test } from 'vitest';
import { buildPlan } from '../../../src/define/plan-builder.ts';
import { ByteReader, ByteWriter } from '../../../src/frames/bytes.ts';
import { decodeFeatureFrame, encodeFeatureFrame } from '../../../src/frames/feature-frame.ts';
import { decodeEntityFrame } from '../../../src/frames/row-frame.ts';
import { routesOf } from '../../../src/ingest/router.ts';
import { MemoryStage, StagingBudget } from '../../../src/ingest/snapshot-stage.ts';
import { SourcePartition } from '../../../src/ingest/source-partition.ts';
import { count, featureView, tumbling } from '../../../src/index.ts';
import { envelope, transactionFields } from '../../support/envelope.ts';
import { transactions, transactionsPlan, user, userPlan } from '../../support/shop.ts';

test.each(['u32', 'i32', 'f64', 'i64'] as const)('a writer grows under %s', (kind) => {
  const writer = new ByteWriter(1);
  writer.u8(1);
  if (kind === 'i64') writer.i64(7n);
  else writer[kind](7);
  const reader = new ByteReader(writer.take());
  expect([reader.u8(), Number(reader[kind]())]).toEqual([1, 7]);
});

test('a writer grows under raw bytes', () => {
  const writer = new ByteWriter(1);
  writer.raw(Buffer.from('abc'));
  expect(writer.take().toString()).toBe('abc');
});

test('a value of many features fits its frame', () => {
  const names = Array.from({ length: 12 }, (_, i) => `n${i}`);
  const view = featureView('wide', {
    entity: user,
    from: { tx: transactions.by({ user_id: 'user_id' }) },
    features: ({ tx }) => Object.fromEntries(names.map((name) => [name, count(tx).over(tumbling('5m'))])),
  });
  const entity = buildPlan({ view }).entities[0]!;
  const rows = [{ key: '1', position: 1, asOf_us: 1, created_us: 1, values: names.map((_, i) => BigInt(i)) }];
  expect(decodeFeatureFrame(encodeFeatureFrame(entity.views[0]!, 1, rows), entity).rows).toEqual(rows);
});

test('a long text fits the frame of its row', () => {
  const location = 'x'.repeat(1000);
  const partition = new SourcePartition({
    table: transactionsPlan,
    topicId: '00'.repeat(16),
    partition: 0,
    partitionCount: 1,
    routes: routesOf([userPlan], transactionsPlan.topic),
    restored: null,
    stage: new MemoryStage([], new StagingBudget(0)),
  });
  const row = { id: 1, user: 1, cents: 100, status: 'ok', location, time_us: 1_800_000_000_000_000 };
  partition.accept(0, envelope({ after: transactionFields(row) }), 0, 0);
  const frame = decodeEntityFrame(partition.takeFrames()[0]!.bytes, userPlan);
  expect(frame.kind === 'rows' ? frame.rows[0]!.after : null).toContain(location);
});

test('a number without an end is refused', () => {
  const endless = Buffer.concat([Buffer.alloc(200, 0x80), Buffer.from([0])]);
  expect(() => new ByteReader(endless).varint()).toThrow(RangeError);
});
