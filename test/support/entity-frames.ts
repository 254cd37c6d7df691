/** Frames of one source partition of `public.transactions`, for tests of the entity task. */
import type { MarksFrame, Marks, RowEntry, RowsFrame, SourceId } from '../../src/frames/row-frame.ts';
import { rowOf, type Transaction } from './shop.ts';

/** Starts a window of every size. */
export const start_us = 1_800_000_000_000_000;
export const second_us = 1_000_000;
export const unknownMarks: Marks = { data_us: -Infinity, clock_us: -Infinity };

export const source: SourceId = {
  table: 0,
  topicId: '00112233445566778899aabbccddeeff',
  partition: 0,
  partitionCount: 1,
};

export function transaction(id: number, user: number, time_us: number, more: Partial<Transaction> = {}): Transaction {
  return { id, user, time_us, cents: 100, status: 'ok', location: null, ...more };
}

function entry(offset: number, before: Transaction | null, after: Transaction | null, commit_us?: number): RowEntry {
  return {
    offset,
    operation: before === null ? 'c' : after === null ? 'd' : 'u',
    commit_us: commit_us ?? (after ?? before)!.time_us,
    ingest_ms: 0,
    routes: (before === null ? 0 : 1) + (after === null ? 0 : 2),
    before: before && rowOf(before),
    after: after && rowOf(after),
  };
}

export const inserted = (offset: number, after: Transaction, commit_us?: number): RowEntry =>
  entry(offset, null, after, commit_us);
export const updated = (offset: number, before: Transaction, after: Transaction, commit_us?: number): RowEntry =>
  entry(offset, before, after, commit_us);
export const deleted = (offset: number, before: Transaction, commit_us?: number): RowEntry =>
  entry(offset, before, null, commit_us);

export function rowsFrame(number: number, rows: readonly RowEntry[], more: Partial<RowsFrame> = {}): RowsFrame {
  return { kind: 'rows', source, session: 1, number, marks: unknownMarks, rows, ...more };
}

export function marksFrame(marks: Marks, from: SourceId = source): MarksFrame {
  return { kind: 'marks', sources: [{ source: from, marks }] };
}

/** Both marks at one instant. */
export const marksAt = (time_us: number, from: SourceId = source): MarksFrame =>
  marksFrame({ data_us: time_us, clock_us: time_us }, from);
