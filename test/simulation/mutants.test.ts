/** The simulator finds bugs: the quickest of the list. `npm run mutants` tries all. */
import { expect, test } from 'vitest';
import { mutants } from '../mutants/mutants.ts';
import { tryMutant } from '../mutants/runner.ts';

const quickest = [
  'replay filter off',
  'commit before the acknowledgement',
  'fence by wall clock',
  'seek skipped on reopen',
];

test.each(quickest)('%s', async (name) => {
  const mutant = mutants.find((each) => each.name === name)!;
  expect(await tryMutant(mutant, { seeds: 20 })).toMatchObject({ kind: 'found' });
});

test('a mutant whose source has changed is an error, not a survivor', async () => {
  const gone = { name: 'gone', file: 'worker/topics.ts', find: 'is not there', replace: '', why: '' };
  expect(await tryMutant(gone)).toMatchObject({ kind: 'error' });
});
