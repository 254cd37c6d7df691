/**
 * `npm run chaos -- --kills N`: a fleet on the real stack, with rows flowing, to which things happen; after each all that it wrote is held
 * against SQL. N workers are killed; between two kills something else happens. The stack must be up, and nobody else's.
 *
 *   --seed S               decides what happens; default 1
 *   --only FAULT           nothing else but this, N times
 *   --without-fencing      with workers that lack it: mismatches must be found
 *   --without-replay-filter
 *
 * `npm run chaos -- --scale`: 1, 3 and 2 workers while rows flow at a fixed rate, and how long rows wait meanwhile.
 *
 *   --rate R               rows per second; default 300
 *   --keys K               of these the rows are, each in turn; default 100
 *   --users U              keys that have state; default 20000
 *   --only planned|killed  moves by SIGTERM and new workers, or by kill -9; default one after the other
 */
import '../support/stack-env.ts';
import { parseArgs } from 'node:util';
import { seeded } from '../support/prng.ts';
import { removeBuild, buildWithout, type Protection } from './broken-builds.ts';
import { ChaosFleet } from './chaos-fleet.ts';
import { killInSnapshot, reachInTime } from './connector-faults.ts';
import { faults, type FaultName } from './faults.ts';
import { Findings } from './findings.ts';
import { runScaling } from './scale-main.ts';
import { plannedFaults } from './schedule.ts';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string' },
    'without-fencing': { type: 'boolean', default: false },
    'without-replay-filter': { type: 'boolean', default: false },
    scale: { type: 'boolean', default: false },
    rate: { type: 'string', default: '300' },
    keys: { type: 'string', default: '100' },
    users: { type: 'string', default: '20000' },
  },
});

const snapshotRows = 200_000;
const users = 2000;
/** So short that it can be waited for. */
const shortWindow_ms = 90_000;

function chosenFault(): FaultName | null {
  const { only } = values;
  if (only === undefined) return null;
  if (!Object.hasOwn(faults, only))
    throw new RangeError(`no fault is called "${only}"; there are ${Object.keys(faults).join(', ')}`);
  return only as FaultName;
}

function leftOut(): Protection | null {
  if (values['without-fencing'] && values['without-replay-filter'])
    throw new RangeError('only one thing can be left out at a time');
  if (values['without-fencing']) return 'fencing';
  return values['without-replay-filter'] ? 'replay-filter' : null;
}

async function runFaults(): Promise<number> {
  const without = leftOut();
  /** What is left out shows by one kind of fault; nothing else is needed then. */
  const only =
    chosenFault() ??
    (without === null
      ? null
      : ({ fencing: 'worker frozen, values under way', 'replay-filter': 'connect killed' } as const)[without]);
  const { below } = seeded(Number(values.seed));
  const root = without === null ? null : buildWithout(without);
  const findings = new Findings();
  const fleet = await ChaosFleet.create({
    seed: Number(values.seed),
    users,
    ...(only === 'connect away' ? { window_ms: shortWindow_ms, reach: reachInTime } : {}),
    firstRows: only === null ? snapshotRows : 1,
    ...(root === null ? {} : { root }),
  });
  try {
    if (only === null) {
      const [report] = await Promise.all([killInSnapshot(fleet, snapshotRows), fleet.startWorkers()]);
      findings.take('connect killed in its snapshot', report, await fleet.compare(), fleet);
    } else {
      await fleet.shop.capture();
      await fleet.startWorkers();
    }
    for (const name of plannedFaults({ kills: Number(values.kills), only, below })) {
      fleet.flow.start();
      findings.take(name, await faults[name](fleet, below), await fleet.compare(), fleet);
      // One mismatch stays: nothing that follows could be told from it.
      if (findings.mismatches > 0) break;
    }
  } catch (error) {
    findings.gaveUp(error as Error, fleet);
  } finally {
    await fleet.close();
    if (root !== null) removeBuild(root);
  }
  findings.print(fleet);
  return findings.mismatches === 0 ? 0 : 1;
}

/** A wrong one is said before anything is started. */
function scaling(): Promise<number> {
  const whole = (name: 'rate' | 'keys' | 'users'): number => {
    const value = Number(values[name]);
    if (!Number.isSafeInteger(value) || value < 1)
      throw new RangeError(`--${name}: "${values[name]}" is not a whole number above 0`);
    return value;
  };
  const { only = null } = values;
  if (only !== null && only !== 'planned' && only !== 'killed')
    throw new RangeError(`--only: there are planned and killed, not "${only}"`);
  const [perSecond, keys, all] = [whole('rate'), whole('keys'), whole('users')];
  if (keys >= all) throw new RangeError('--users: some are needed that are not among --keys');
  return runScaling({ seed: Number(values.seed), perSecond, keys, users: all }, only);
}

// Workers end with this process, also when it is told to end.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

process.exitCode = await (values.scale ? scaling() : runFaults());
