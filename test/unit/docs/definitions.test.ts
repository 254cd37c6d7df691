/** docs/definitions.md: its definitions load, and it names every word of the language. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { loadDefinitions } from '../../../src/cli/load-definitions.ts';
import * as millrace from '../../../src/index.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const page = readFileSync(join(root, 'docs/definitions.md'), 'utf8');
/** Constructors of errors apart. */
const words = Object.keys(millrace).filter((name) => !name.endsWith('Error'));

test('its tables and its view load', async () => {
  const [tables, view] = [...page.matchAll(/```ts\n([^]*?)```/g)].map(([, block]) => block!);
  const file = join(root, 'examples', `definitions-${process.pid}.ts`);
  const imports = `import { ${words.join(', ')}, type Features } from 'millrace';`;
  writeFileSync(file, [imports, tables, view].join('\n'));
  try {
    const [user] = (await loadDefinitions(file)).entities;
    expect(user!.views[0]!.features.map(({ name }) => name)).toEqual([
      'transactions_last_hour',
      'spend_last_hour',
      'average_ticket',
    ]);
  } finally {
    rmSync(file);
  }
});

test.each(words)('it names %s', (word) => {
  expect(page).toMatch(new RegExp(`\\b${word}\\b`));
});
