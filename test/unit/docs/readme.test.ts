/** What the pages tell a reader to type works. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { loadDefinitions } from '../../../src/cli/load-definitions.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

test("the tour's own feature is a definition that loads", async () => {
  const [block] = /```ts\n(import \{ count[^]*?)```/.exec(read('README.md'))!.slice(1);
  // As for the demo, the file stands inside the checkout, where `millrace` means this package.
  const file = join(root, 'examples', `readme-${process.pid}.ts`);
  writeFileSync(file, block!);
  try {
    const plan = await loadDefinitions(file);
    const [view] = plan.entities[0]!.views;
    expect(view!.features.map(({ name }) => name)).toEqual(['declined_this_hour', 'largest_declined']);
  } finally {
    rmSync(file);
  }
});

test('docs/configuration.md names every setting, and no other', () => {
  const settings = (text: string): string[] => [...new Set(text.match(/MILLRACE_[A-Z0-9_]*[A-Z0-9]/g))].sort();
  const source = settings(read('src/config/config.ts')).filter((name) => !name.startsWith('MILLRACE_KAFKA_SASL'));
  const page = settings(read('docs/configuration.md')).filter((name) => !name.startsWith('MILLRACE_KAFKA_SASL'));
  expect(page.filter((name) => name !== 'MILLRACE_KAFKA')).toEqual(source.filter((name) => name !== 'MILLRACE_KAFKA'));
});
