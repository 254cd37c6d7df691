/** For tests of definitions, without a broker, a database or a clock. */
export { createTestKit } from './test-kit.ts';
export type { DroppedRow, RowOptions, TestKit, TestLogRow, TestValue } from './test-kit.ts';
export type { TestRow } from './test-row.ts';
export type { StateSize } from './state-size.ts';
