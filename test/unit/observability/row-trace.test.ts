import { expect, test } from 'vitest';
import { ingestSpanId, newSpanId, rowSampler, sourceSpanId, traceIdOf } from '../../../src/observability/row-trace.ts';

const partition = { topicId: '00112233445566778899aabbccddeeff', partition: 2 };
const offsets = Array.from({ length: 100_000 }, (_, offset) => offset);

test.each([0.001, 0.1, 0.5])('of many rows, about the share %d is taken', (ratio) => {
  const { isSampled } = rowSampler(ratio, partition);
  const taken = offsets.filter(isSampled).length / offsets.length;
  const deviation = Math.sqrt((ratio * (1 - ratio)) / offsets.length);
  expect(Math.abs(taken - ratio)).toBeLessThan(5 * deviation);
});

test('0 takes none, 1 takes all, and offsets may be beyond 32 bits', () => {
  const large = [0, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1];
  expect(large.filter(rowSampler(0, partition).isSampled)).toEqual([]);
  expect(large.filter(rowSampler(1, partition).isSampled)).toEqual(large);
  const { isSampled } = rowSampler(0.5, partition);
  const differing = offsets.filter((offset) => isSampled(offset) !== isSampled(offset + 2 ** 32));
  expect(differing.length / offsets.length).toBeCloseTo(0.5, 1);
});

test('whoever asks takes the same rows; another partition and another topic have others', () => {
  const takenBy = (asked: typeof partition): number[] => offsets.filter(rowSampler(0.5, asked).isSampled);
  expect(takenBy({ ...partition })).toEqual(takenBy(partition));
  expect(takenBy({ ...partition, partition: 3 })).not.toEqual(takenBy(partition));
  expect(takenBy({ ...partition, topicId: 'ff'.repeat(16) })).not.toEqual(takenBy(partition));
});

test('a row that a smaller share takes is taken by a larger one too', () => {
  const few = offsets.filter(rowSampler(0.01, partition).isSampled);
  expect(few.filter(rowSampler(0.02, partition).isSampled)).toEqual(few);
});

test('identities are what OpenTelemetry takes, and those of two rows, sessions and applications differ', () => {
  const trace = traceIdOf(partition, 7);
  const spans = [
    sourceSpanId(trace),
    ingestSpanId(trace, 'a', 1),
    ingestSpanId(trace, 'a', 2),
    ingestSpanId(trace, 'b', 1),
    newSpanId(),
    newSpanId(),
  ];
  expect(trace).toMatch(/^[0-9a-f]{32}$/);
  expect(traceIdOf(partition, 8)).not.toBe(trace);
  for (const span of spans) expect(span).toMatch(/^[0-9a-f]{16}$/);
  expect(new Set(spans).size).toBe(spans.length);
  expect(ingestSpanId(trace, 'a', 1)).toBe(spans[1]);
});
