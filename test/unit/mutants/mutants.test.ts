import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { mutants } from '../../mutants/mutants.ts';
import { outdated } from '../../mutants/runner.ts';

describe('mutants', () => {
  it('break what the sources say today', () => {
    expect(mutants.map(outdated).filter((error) => error !== null)).toEqual([]);
  });

  it('are found by tests that are there', () => {
    const named = mutants.flatMap(({ test }) => test ?? []);
    expect(named.filter((test) => !existsSync(new URL(`../../property/${test}`, import.meta.url)))).toEqual([]);
    expect(named).not.toEqual([]);
  });

  it('have names of their own', () => {
    expect(new Set(mutants.map(({ name }) => name)).size).toBe(mutants.length);
  });
});
