/** Every link that stays in the repository leads to something, and every page of docs/ can be reached from the README. */
import { existsSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect, test } from 'vitest';
import { pages, readPage, root } from './pages.ts';

/** Path and heading that each link of a page leads to; an empty path is the page itself. */
function linksOf(page: string): { readonly path: string; readonly heading: string }[] {
  const text = readPage(page).replaceAll(/^```[^]*?^```$/gm, '');
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, link]) => {
    if (/^[a-z]+:/.test(link!)) return [];
    const [path = '', heading = ''] = link!.split('#');
    return [{ path: path === '' ? page : normalize(join(dirname(page), path)), heading }];
  });
}

/** As a web page of the file names its headings. */
const anchorsOf = (page: string): string[] =>
  [...readPage(page).matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replaceAll(/[^\p{Letter}\p{Number} _-]/gu, '')
      .replaceAll(' ', '-'),
  );

test.each(pages)('links of %s', (page) => {
  const broken = linksOf(page).filter(({ path, heading }) => {
    if (!existsSync(join(root, path))) return true;
    return heading !== '' && !anchorsOf(path).includes(heading);
  });
  expect(broken).toEqual([]);
});

test('every page of docs/ can be reached from the README', () => {
  const reached = new Set(['README.md']);
  for (const page of reached) {
    for (const { path } of linksOf(page)) {
      const file = statSync(join(root, path)).isDirectory() ? join(path, 'README.md') : path;
      if (pages.includes(file)) reached.add(file);
    }
  }
  expect(pages.filter((page) => !reached.has(page))).toEqual([]);
});
