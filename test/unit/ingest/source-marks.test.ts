import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { TimePlan } from '../../../src/define/plan.ts';
import { SourceMarks } from '../../../src/ingest/source-marks.ts';

const second_us = 1_000_000;
const minute_us = 60 * second_us;
const hour_us = 60 * minute_us;
const now_us = 1_800_000_000 * second_us;
const now_ms = now_us / 1000;

const time: TimePlan = {
  column: 0,
  outOfOrderness_us: 5 * second_us,
  maxAhead_us: minute_us,
  idleTimeout_us: 2 * second_us,
  allowedLateness_us: 0,
};

/** Marks of a partition that has seen one row now. */
function marksNow(): SourceMarks {
  const marks = new SourceMarks(time, -Infinity);
  marks.row(now_us, now_us);
  return marks;
}

const both = (us: number): object => ({ data_us: us, clock_us: us });

test('before the first row no time is known', () => {
  const marks = new SourceMarks(time, -Infinity);
  expect(marks.marks).toEqual(both(-Infinity));
  expect(marks.eventTime_us).toBe(-Infinity);
});

test('both marks follow the newest event time less the disorder that is allowed', () => {
  expect(marksNow().marks).toEqual(both(now_us - 5 * second_us));
});

test('an older row moves no mark', () => {
  const marks = marksNow();
  marks.row(now_us - hour_us, now_us + second_us);
  expect(marks.marks).toEqual(both(now_us - 5 * second_us));
});

test('an event time ahead of its commit counts up to maxAhead', () => {
  const marks = new SourceMarks(time, -Infinity);
  marks.row(now_us + hour_us, now_us);
  expect(marks.eventTime_us).toBe(now_us + minute_us);
  expect(marks.marks).toEqual(both(now_us + 55 * second_us));
});

test('a new owner goes on from the newest event time of the one before', () => {
  const marks = new SourceMarks(time, marksNow().eventTime_us);
  expect(marks.marks).toEqual(marksNow().marks);
});

test('a partition that was silent for less than idleTimeout holds time back', () => {
  const marks = marksNow();
  marks.caughtUp(now_ms + 10_000, now_ms + 8_001, now_ms + 10_000);
  expect(marks.marks).toEqual(both(now_us - 5 * second_us));
});

test('when it is caught up and idle, the clock mark follows the question for the end, not later', () => {
  const marks = marksNow();
  marks.caughtUp(now_ms + 10_000, now_ms + 8_000, null);
  expect(marks.marks).toEqual({ data_us: now_us - 5 * second_us, clock_us: now_us + 5 * second_us });
});

test('when idle, the data mark follows the heartbeat at a minute, and the disorder that is allowed', () => {
  const marks = marksNow();
  marks.caughtUp(now_ms + 100_000, now_ms, now_ms + 99_000);
  expect(marks.marks).toEqual({ data_us: now_us + 34 * second_us, clock_us: now_us + 95 * second_us });
});

test('a table whose rows may be minutes old is not told by a heartbeat that they are late', () => {
  const marks = new SourceMarks({ ...time, outOfOrderness_us: 10 * minute_us }, -Infinity);
  marks.row(now_us, now_us);
  marks.caughtUp(now_ms + 100_000, now_ms, now_ms + 99_000);
  // What is committed from now on may be of ten minutes ago, and what was committed a minute ago may still be on its way.
  expect(marks.marks).toEqual({
    data_us: now_us + 39 * second_us - 10 * minute_us,
    clock_us: now_us + 100 * second_us - 10 * minute_us,
  });
});

test('without a heartbeat the data mark follows the clock at an hour', () => {
  const marks = marksNow();
  marks.caughtUp(now_ms + 3_500_000, now_ms, null);
  expect(marks.marks.data_us).toBe(now_us - 5 * second_us);
  marks.caughtUp(now_ms + 3_700_000, now_ms, null);
  expect(marks.marks.data_us).toBe(now_us + 95 * second_us);
});

test('a partition that never had a row gets its marks from silence alone', () => {
  const marks = new SourceMarks(time, -Infinity);
  marks.caughtUp(now_ms, now_ms - 2_000, null);
  expect(marks.marks).toEqual({ data_us: now_us - hour_us - 5 * second_us, clock_us: now_us - 5 * second_us });
  expect(marks.eventTime_us).toBe(-Infinity);
});

test('the event time that is carried on is that of rows, never that of silence', () => {
  const marks = marksNow();
  marks.caughtUp(now_ms + 7_200_000, now_ms, now_ms + 7_200_000);
  expect(marks.eventTime_us).toBe(now_us);
});

test('a table without event time moves by commit times', () => {
  const marks = new SourceMarks(null, -Infinity);
  marks.row(now_us, now_us);
  expect(marks.marks).toEqual(both(now_us));
});

const offset_s = fc.integer({ min: -10_000, max: 10_000 });
const happening = fc.oneof(
  fc.record({ row: fc.constant(true), a: offset_s, b: offset_s, heartbeat: fc.constant(null) }),
  fc.record({ row: fc.constant(false), a: offset_s, b: offset_s, heartbeat: fc.option(offset_s) }),
);

test('whatever happens, no mark goes back, and the clock mark is never behind the data mark', () => {
  fc.assert(
    fc.property(fc.array(happening, { maxLength: 30 }), (happenings) => {
      const marks = new SourceMarks(time, -Infinity);
      let last = marks.marks;
      for (const { row, a, b, heartbeat } of happenings) {
        if (row) marks.row(now_us + a * second_us, now_us + b * second_us);
        else marks.caughtUp(now_ms + a * 1000, now_ms + b * 1000, heartbeat && now_ms + heartbeat * 1000);
        const { data_us, clock_us } = marks.marks;
        expect(data_us).toBeGreaterThanOrEqual(last.data_us);
        expect(clock_us).toBeGreaterThanOrEqual(last.clock_us);
        expect(clock_us).toBeGreaterThanOrEqual(data_us);
        last = marks.marks;
      }
    }),
  );
});
