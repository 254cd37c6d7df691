/** Commands that the pages tell a reader to type exist, with their options. */
import { expect, test } from 'vitest';
import { codeOf, pages, readPage } from './pages.ts';

/** Of each command of `millrace` its options, read from where they are declared; `topics check` and the like are commands of their own. */
function declaredCommands(): ReadonlyMap<string, readonly string[]> {
  const commands = new Map<string, string[]>();
  const topics = [...readPage('src/cli/main.ts').matchAll(/^ {2}\['(\w+)', '/gm)].map(([, name]) => `topics ${name}`);
  let current: string[] = [];
  for (const [, command, option] of readPage('src/cli/main.ts').matchAll(
    /\.command\('?([\w-]+)'?\)|\.option\('(--[\w-]+)/g,
  )) {
    if (option !== undefined) current.push(option);
    else {
      current = [];
      const names = command === 'name' ? topics : command === 'list' ? ['dead-letters list'] : [command!];
      for (const name of names) commands.set(name, current);
    }
  }
  return commands;
}

const commands = declaredCommands();
const ofAll = ['--help', '--version'];

/** What is wrong with a line that runs `millrace`, null when nothing is. */
function problemOf(line: string): string | null {
  const call = /(?:^|[ ;&|(])millrace ((?:[\w-]+ ?)*)/.exec(line);
  const [first = '', second = ''] = call?.[1]!.split(' ') ?? [];
  if (first === '' || ofAll.includes(first)) return null;
  const options = [...line.matchAll(/ (--[\w-]+)/g)].map(([, option]) => option!);
  const known = commands.get(`${first} ${second}`) ?? commands.get(first);
  if (known === undefined) return `there is no millrace ${first}`;
  const unknown = options.find((option) => !known.includes(option) && !ofAll.includes(option));
  return unknown === undefined ? null : `millrace ${first} has no ${unknown}`;
}

test('the commands are found where they are declared', () => {
  expect(commands.get('dev')).toEqual(['--input', '--data']);
  expect(commands.get('topics orphans')).toEqual(['--json']);
  expect(commands.get('dead-letters list')).toEqual(['--topic', '--code', '--limit', '--json']);
  expect(problemOf('npx millrace grind features.ts')).toBe('there is no millrace grind');
  expect(problemOf('millrace dev features.ts --fast')).toBe('millrace dev has no --fast');
});

test.each(pages)('millrace, make and npm run in %s', (page) => {
  const code = codeOf(page);
  const { scripts } = JSON.parse(readPage('package.json')) as { scripts: Readonly<Record<string, string>> };
  const targets = [...readPage('Makefile').matchAll(/^([a-z-]+):/gm)].map(([, target]) => target!);
  const called = (pattern: RegExp): string[] => code.flatMap((line) => pattern.exec(line)?.[1] ?? []);
  expect(code.flatMap((line) => problemOf(line) ?? [])).toEqual([]);
  expect(called(/^(?:\w+=\S+ )*make ([a-z-]+)/).filter((target) => !targets.includes(target))).toEqual([]);
  expect(called(/^npm run ([a-z-]+)/).filter((script) => !(script in scripts))).toEqual([]);
});
