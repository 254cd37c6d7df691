/** docs/pictures/: each is shown on a page, says what it shows, and can be read on a dark page too. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { pages, readPage, root } from './pages.ts';

test.each(readdirSync(join(root, 'docs/pictures')))('docs/pictures/%s', (name) => {
  const picture = readPage(`docs/pictures/${name}`);
  expect(picture).toMatch(/<title>.+<\/title>/);
  expect(picture).toContain('@media (prefers-color-scheme: dark)');
  expect(pages.some((page) => new RegExp(`!\\[.+\\]\\(pictures/${name}\\)`).test(readPage(page)))).toBe(true);
});
