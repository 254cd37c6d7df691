/**
 * `npm run chaos -- --kills N`: a fleet on the real stack, with rows flowing, to which things happen; after each all that it wrote is held
 * against SQL. N workers are killed; between two kills something else happens. The stack must be up, and nobody else's.
 *
 *   --seed S               decides what happens; default 1
 *   --only FAULT           nothing else but this, N times
 *   --without-fencing      with workers that lack it: mismatches must be found
 *   --without-replay-filter
 */
import '../support/stack-env.ts';
import { rmSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { seeded } from '../support/prng.ts';
import { buildWithout, type breaks } from './broken-builds.ts';
import { ChaosFleet, type Compared } from './chaos-fleet.ts';
import { faults, killInSnapshot, type FaultName, type FaultReport } from './faults.ts';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string' },
    'without-fencing': { type: 'boolean', default: false },
    'without-replay-filter': { type: 'boolean', default: false },
  },
});

const snapshotRows = 200_000;
const users = 2000;
/** So long that no window ends while values are compared, and repairs what is wrong. */
const window_ms = 3_600_000;

const kills: readonly FaultName[] = ['worker killed', 'worker killed', 'worker killed, disk lost'];
const others = Object.keys(faults).filter((name) => !name.startsWith('worker killed')) as FaultName[];

const broken: (keyof typeof breaks)[] = [];
if (values['without-fencing']) broken.push('fencing');
if (values['without-replay-filter']) broken.push('replay-filter');
if (broken.length > 1) throw new RangeError('only one thing can be left out at a time');
if (values.only !== undefined && !Object.hasOwn(faults, values.only))
  throw new RangeError(`no fault is called "${values.only}"; there are ${Object.keys(faults).join(', ')}`);

const { below } = seeded(Number(values.seed));
const total = { kills: 0, keys: 0, nonEmpty: 0, mismatches: 0 };
const takeovers: number[] = [];

function* schedule(): Iterable<FaultName> {
  let turn = 0;
  for (let kill = 0; kill < Number(values.kills); kill++) {
    if (values.only !== undefined) yield values.only as FaultName;
    else {
      yield kills[below(kills.length)]!;
      yield others[turn++ % others.length]!;
    }
  }
}

function take(name: string, { takeover_ms, notes }: FaultReport, { keys, nonEmpty, mismatches }: Compared): void {
  if (name.startsWith('worker killed')) total.kills++;
  total.keys += keys;
  total.nonEmpty += nonEmpty;
  total.mismatches += mismatches.length;
  if (takeover_ms !== undefined) takeovers.push(takeover_ms);
  const takeover = takeover_ms === undefined ? [] : [`taken over after ${(takeover_ms / 1000).toFixed(1)} s`];
  const compared = `${keys} keys, ${nonEmpty} non-empty, ${mismatches.length} mismatches`;
  console.log([name, ...takeover, ...(notes === undefined ? [] : [notes]), compared].join('; '));
  for (const mismatch of mismatches.slice(0, 3)) console.log(`  ${mismatch}`);
}

const root = broken[0] === undefined ? {} : { root: buildWithout(broken[0]) };
const isWhole = values.only === undefined;
const firstRows = isWhole ? snapshotRows : 1;
const fleet = await ChaosFleet.create({ seed: Number(values.seed), users, window_ms, firstRows, ...root });
try {
  if (isWhole) {
    const [report] = await Promise.all([killInSnapshot(fleet, firstRows), fleet.startWorkers()]);
    fleet.flow.start();
    take('connect killed in its snapshot', report, await fleet.compare());
  } else {
    await fleet.shop.capture();
    await fleet.startWorkers();
    fleet.flow.start();
  }
  for (const name of schedule()) {
    take(name, await faults[name](fleet, below), await fleet.compare());
    // One mismatch stays: nothing that follows could be told from it.
    if (total.mismatches > 0) break;
  }
} finally {
  await fleet.close();
  if (root.root !== undefined) rmSync(root.root, { recursive: true, force: true });
}
takeovers.sort((a, b) => a - b);
if (takeovers.length > 0) {
  const seconds = (at: number): string => (takeovers[Math.floor((takeovers.length - 1) * at)]! / 1000).toFixed(1);
  console.log(`takeover: ${seconds(0)} s at least, ${seconds(0.5)} s in the middle, ${seconds(1)} s at most`);
}
console.log(`${fleet.flow.written} rows were inserted meanwhile`);
console.log(
  `${total.kills} kills, ${total.keys} keys compared (${total.nonEmpty} non-empty), ${total.mismatches} mismatches`,
);
process.exitCode = total.mismatches === 0 ? 0 : 1;
