/** Properties whose failure prints the one command that runs it again. */
import * as fc from 'fast-check';
import { expect } from 'vitest';

/** For what is random inside a case: as even as can be, and not to be made smaller. */
export const seeds = fc.noShrink(fc.noBias(fc.nat()));

/**
 * `PROPERTY_SEED` and `PROPERTY_PATH` name one case, `PROPERTY_SEED=random` looks for new ones, `PROPERTY_RUNS` asks for more of them. Without
 * them the cases are the same each time: a change is judged by what it changes.
 */
const { PROPERTY_SEED: seed = '20261125', PROPERTY_PATH: path, PROPERTY_RUNS: runs } = process.env;

export function replayable<A, B>(
  numRuns: number,
  first: fc.Arbitrary<A>,
  second: fc.Arbitrary<B>,
  predicate: (first: A, second: B) => void,
): void {
  fc.assert(fc.property(first, second, predicate), {
    numRuns: runs === undefined ? numRuns : Number(runs),
    ...(seed === 'random' ? {} : { seed: Number(seed) }),
    ...(path === undefined ? {} : { path }),
    reporter: (details) => {
      if (!details.failed) return;
      const command = `PROPERTY_SEED=${details.seed} PROPERTY_PATH=${details.counterexamplePath ?? ''} npx vitest run`;
      throw new Error(`again: ${command} <this file> -t '<this test>'\n${fc.defaultReportMessage(details) ?? ''}`, {
        cause: details.errorInstance,
      });
    },
  });
}

/** Of a whole run of cases, not of one that is replayed. */
export function expectMany(count: number, least: number): void {
  if (path === undefined) expect(count).toBeGreaterThan(least);
}
