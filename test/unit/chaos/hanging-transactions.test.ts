import { expect, test } from 'vitest';
import { parseHanging } from '../../chaos/hanging-transactions.ts';

/** As Kafka 4.3.1 printed it after a restart that had cut a transaction. */
const listed = [
  'Topic                             \tPartition\tProducerId\tProducerEpoch\tCoordinatorEpoch\tStartOffset\tLastTimestamp\tDuration(min)\t',
  'chaos-db77524d.user.g1.changelog  \t5        \t54        \t2            \t0               \t1608       \t1795869794172\t11           \t',
  '__consumer_offsets                \t3        \t54        \t2            \t0               \t3004       \t1795869794175\t11           \t',
  '',
].join('\n');

test('hanging transactions are read from what the tool prints, its head left out', () => {
  expect(parseHanging(listed)).toEqual([
    { topic: 'chaos-db77524d.user.g1.changelog', partition: '5', startOffset: '1608' },
    { topic: '__consumer_offsets', partition: '3', startOffset: '3004' },
  ]);
  expect(parseHanging(listed.split('\n')[0]!)).toEqual([]);
});
