/**
 * For tests of definitions, without a broker, a database or a clock.
 * @module millrace/testing
 */
export { createTestKit } from './test-kit.ts';
export type { DroppedRow, KeyOf, RowOptions, TestKit, TestLogRow, TestValue } from './test-kit.ts';
export type { Outcome } from '../ingest/outcome.ts';
export type { DropReason } from './drop-reason.ts';
export type { TestRow } from './test-row.ts';
export type { StateSize } from './state-size.ts';
