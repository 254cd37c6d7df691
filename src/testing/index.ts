/** For tests of definitions, without a broker, a database or a clock. */
export { createTestKit } from './test-kit.ts';
export type { TestKit, TestValue } from './test-kit.ts';
