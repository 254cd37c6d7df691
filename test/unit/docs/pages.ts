/** The pages that people read, for the tests of them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../../', import.meta.url));

export const readPage = (page: string): string => readFileSync(join(root, page), 'utf8');

function below(folder: string): string[] {
  const names = readdirSync(join(root, folder), { encoding: 'utf8', recursive: true });
  return names.flatMap((name) => (name.endsWith('.md') ? [`${folder}/${name}`] : []));
}

/** By their paths in the repository. */
export const pages: readonly string[] = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'deploy/stack/README.md',
  ...below('docs').sort(),
];

/** The code of a page: what stands in blocks, fenced or indented, and between backticks. */
export function codeOf(page: string): string[] {
  const text = readPage(page);
  const fenced = [...text.matchAll(/^```.*\n([^]*?)^```$/gm)].flatMap(([, block]) => block!.split('\n'));
  const rest = text.replaceAll(/^```[^]*?^```$/gm, '');
  const indented = [...rest.matchAll(/^ {4}(.*)$/gm)].map(([, line]) => line!);
  const spans = [...rest.matchAll(/`([^`\n]+)`/g)].map(([, span]) => span!);
  return [...fenced, ...indented, ...spans];
}
