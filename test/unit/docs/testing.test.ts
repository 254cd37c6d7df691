import { expect, test } from 'vitest';
import { readPage } from './pages.ts';

test('the test of docs/testing.md is one that runs', () => {
  const [, block] = /^```ts\n([^]*?)^```$/m.exec(readPage('docs/testing.md'))!;
  expect(block).toBe(readPage('examples/fraud/features.test.ts'));
});
